package io.stillhouse.lab.tailor;

import io.stillhouse.model.recipe.Compression.Calibration;

/**
 * How students are made, whatever the class.
 *
 * @param seed of initial weights and of everything random in training
 * @param distillEpochs training of a student of each width from the teacher's logits
 * @param fineTuneEpochs training after channels were removed
 */
public record TailorPlan(
    long seed,
    int distillEpochs,
    int fineTuneEpochs,
    Calibration calibration,
    CandidateSpace space) {
  public TailorPlan {
    if (distillEpochs < 1 || fineTuneEpochs < 0) {
      throw new IllegalArgumentException(
          "epochs: %d, %d (expected: distillEpochs >= 1, fineTuneEpochs >= 0)"
              .formatted(distillEpochs, fineTuneEpochs));
    }
  }

  /** What serves small images within a minute or two on two cores. */
  public static TailorPlan standard(long seed) {
    return new TailorPlan(seed, 11, 3, Calibration.PERCENTILE, CandidateSpace.standard());
  }
}
