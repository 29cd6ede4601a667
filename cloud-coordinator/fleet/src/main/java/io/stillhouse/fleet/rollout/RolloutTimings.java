package io.stillhouse.fleet.rollout;

import java.time.Duration;

/**
 * How long a rollout waits for what. Nothing waits for ever: each of these ends in a verdict, a
 * pause with its reason, or a named list of devices.
 *
 * @param soak time that a wave is watched after its devices have settled
 * @param probation time that a device watches a new model before it commits to it
 * @param waveDeadline time from opening (or resuming) a wave until it must have a verdict
 * @param rollbackDeadline time after which devices that have not come back are named
 */
public record RolloutTimings(
    Duration soak,
    Duration probation,
    Duration waveDeadline,
    Duration rollbackDeadline,
    Patience patience) {
  public RolloutTimings {
    if (soak.isNegative()
        || probation.isNegative()
        || !positive(waveDeadline)
        || !positive(rollbackDeadline)) {
      throw new IllegalArgumentException(
          "soak %s, probation %s, wave deadline %s, rollback deadline %s (expected: soak and probation >= 0, deadlines > 0)"
              .formatted(soak, probation, waveDeadline, rollbackDeadline));
    }
    if (waveDeadline.compareTo(soak.plus(probation)) <= 0) {
      throw new IllegalArgumentException(
          "wave deadline: %s (expected: longer than soak and probation together, %s)"
              .formatted(waveDeadline, soak.plus(probation)));
    }
  }

  /**
   * With one device.
   *
   * @param phaseDeadline time in one phase (beyond probation) after which a device is stalled
   * @param lostAfter silence after which a device on trial counts as lost, hence as failed
   */
  public record Patience(Duration phaseDeadline, Duration lostAfter) {
    public Patience {
      if (!positive(phaseDeadline) || !positive(lostAfter)) {
        throw new IllegalArgumentException(
            "phase deadline %s, lost after %s (expected: > 0)".formatted(phaseDeadline, lostAfter));
      }
    }
  }

  private static boolean positive(Duration duration) {
    return !duration.isNegative() && !duration.isZero();
  }
}
