package io.stillhouse.fleet.rollout;

import java.util.List;

/**
 * The next status and everything that must become true together with it. The caller stores all of
 * it in one transaction or none, and only then tells devices.
 *
 * @param next its version is that of the status decided upon plus one, or equal when nothing
 *     changes
 */
public record Decision(
    RolloutStatus next,
    List<DesiredChange> desired,
    List<Quarantine> quarantines,
    List<RolloutEvent> events) {
  public Decision {
    desired = List.copyOf(desired);
    quarantines = List.copyOf(quarantines);
    events = List.copyOf(events);
  }

  /** Nothing to do: the status stays as it is. */
  static Decision none(RolloutStatus status) {
    return new Decision(status, List.of(), List.of(), List.of());
  }

  /** Whether there is anything to store. */
  public boolean changesFrom(RolloutStatus status) {
    return next.version() != status.version();
  }
}
