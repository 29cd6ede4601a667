package io.stillhouse.agent.reconcile;

import java.time.Duration;
import java.util.Optional;

/**
 * What the coordinator wants of this device.
 *
 * @param generation rises with every change; 0 means nothing was ever wanted
 * @param artifact empty means "no model of ours"
 * @param rolloutId of the rollout that asks for it; may be empty
 * @param probation how long a new model answers live requests before it is trusted
 */
public record Desired(
    long generation, Optional<Digest> artifact, String rolloutId, int wave, Duration probation) {
  /** Before the first word of a coordinator. */
  public static final Desired NOTHING = new Desired(0, Optional.empty(), "", 0, Duration.ZERO);

  public Desired {
    if (generation < 0 || wave < 0 || probation.isNegative()) {
      throw new IllegalArgumentException(
          "generation %d, wave %d, probation %s (expected: none negative)"
              .formatted(generation, wave, probation));
    }
  }
}
