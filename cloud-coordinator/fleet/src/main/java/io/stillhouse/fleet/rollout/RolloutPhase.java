package io.stillhouse.fleet.rollout;

import java.util.Set;

/**
 * Where a rollout stands.
 *
 * <pre>
 * from                 to                   when
 * -------------------  -------------------  ---------------------------------------------------
 * PLANNED              RUNNING              the engine opens wave 0
 * PLANNED              PAUSED               operator, before anything was touched
 * PLANNED              CANCELLED            cancelled or aborted before it touched a device
 * RUNNING              PAUSED               operator; gate inconclusive at its deadline
 * PAUSED               RUNNING              operator resumes
 * RUNNING, PAUSED      ABORTING             operator aborts; a gate fails
 * RUNNING              SUCCEEDED            last gate passed, every device settled
 * RUNNING              SUCCEEDED_WITH_TAIL  last gate passed, some devices have yet to settle
 * SUCCEEDED_WITH_TAIL  SUCCEEDED            the last of them settled, or they were called back
 * ABORTING             ROLLING_BACK         every touched device was told to return
 * ROLLING_BACK         ROLLED_BACK          each runs its fallback
 * ROLLING_BACK         ROLLBACK_INCOMPLETE  deadline; the missing devices are named
 * ROLLBACK_INCOMPLETE  ROLLED_BACK          the last missing device came back
 * PLANNED .. PAUSED    SUPERSEDED           a newer rollout took all devices
 * </pre>
 */
public enum RolloutPhase {
  PLANNED,
  RUNNING,
  PAUSED,
  ABORTING,
  ROLLING_BACK,
  ROLLED_BACK,
  ROLLBACK_INCOMPLETE,
  SUCCEEDED,
  SUCCEEDED_WITH_TAIL,
  SUPERSEDED,
  CANCELLED;

  /** The phases that may follow this one. */
  public Set<RolloutPhase> next() {
    return switch (this) {
      case PLANNED -> Set.of(RUNNING, PAUSED, CANCELLED, SUPERSEDED);
      case RUNNING -> Set.of(PAUSED, ABORTING, SUCCEEDED, SUCCEEDED_WITH_TAIL, SUPERSEDED);
      case PAUSED -> Set.of(RUNNING, ABORTING, SUPERSEDED);
      case ABORTING -> Set.of(ROLLING_BACK);
      case ROLLING_BACK -> Set.of(ROLLED_BACK, ROLLBACK_INCOMPLETE);
      case ROLLBACK_INCOMPLETE -> Set.of(ROLLED_BACK);
      case SUCCEEDED_WITH_TAIL -> Set.of(SUCCEEDED);
      case ROLLED_BACK, SUCCEEDED, SUPERSEDED, CANCELLED -> Set.of();
    };
  }

  /** Nothing can follow; the engine need not look again. */
  public boolean terminal() {
    return next().isEmpty();
  }

  /** Still on its way forward: it may be paused, aborted or superseded. */
  public boolean forward() {
    return this == PLANNED || this == RUNNING || this == PAUSED;
  }

  /** Returns {@code to}; throws when it may not follow this phase. */
  RolloutPhase become(RolloutPhase to) {
    if (!next().contains(to)) {
      throw new IllegalStateException(
          "rollout phase: " + this + " -> " + to + " (expected: one of " + next() + ")");
    }
    return to;
  }
}
