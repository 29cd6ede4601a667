package io.stillhouse.fleet.rollout;

/**
 * What became of the devices of a wave, or of one class of it.
 *
 * @param assigned frozen members
 * @param reached members that acknowledged the offer and are not set aside
 * @param attempted reached devices that have settled; the denominator of every rate, because
 *     devices that were never tried say nothing about the artifact
 * @param succeeded committed, and a later heartbeat shows the artifact running
 * @param failed rolled back, failed, or lost while the artifact was on trial
 */
public record WaveCounts(int assigned, int reached, int attempted, int succeeded, int failed) {
  public WaveCounts {
    if (succeeded < 0
        || failed < 0
        || succeeded + failed > attempted
        || attempted > reached
        || reached > assigned) {
      throw new IllegalArgumentException(
          "counts: %d + %d, %d, %d, %d (expected: succeeded + failed <= attempted <= reached <= assigned)"
              .formatted(succeeded, failed, attempted, reached, assigned));
    }
  }
}
