package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import java.time.Instant;
import java.util.Optional;

/**
 * All that is on record of one target.
 *
 * @param desired the device's newest desired state, whoever wrote it
 * @param told what this rollout wrote
 * @param revoked the device was refused for ever; nobody waits for it
 */
public record TargetFacts(
    Optional<DesiredState> desired,
    Told told,
    Optional<ReportedState> reported,
    Optional<Heartbeat> heartbeat,
    boolean revoked) {
  /** Nothing is on record. */
  public static final TargetFacts UNKNOWN =
      new TargetFacts(Optional.empty(), Told.NOTHING, Optional.empty(), Optional.empty(), false);

  /** A desired state that this rollout wrote: its generation and the store time of writing. */
  public record Order(long generation, Instant at) {}

  /** The offer of the new artifact, and the order to return. */
  public record Told(Optional<Order> offer, Optional<Order> recall) {
    public static final Told NOTHING = new Told(Optional.empty(), Optional.empty());
  }
}
