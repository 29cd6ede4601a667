package io.stillhouse.lab.tailor;

import io.stillhouse.model.recipe.Compression.Calibration;
import java.util.Optional;

/**
 * How students are made, whatever the class.
 *
 * @param seed of initial weights and of everything random in training
 * @param epochs as suits the data when absent
 */
public record TailorPlan(
    long seed, Optional<Epochs> epochs, Calibration calibration, CandidateSpace space) {

  /**
   * How long students are trained.
   *
   * @param distill training of a student of each width from the teacher's logits
   * @param fineTune training after channels were removed
   */
  public record Epochs(int distill, int fineTune) {
    private static final int DISTILL_MIN = 9;
    private static final int FINE_TUNE_MIN = 3;

    /** Images that a student is shown at least, the same ones many times when there are few. */
    private static final int DISTILL_IMAGES_MIN = 15_000;

    private static final int FINE_TUNE_IMAGES_MIN = 4_000;
    private static final int EPOCHS_MAX = 200;

    public Epochs {
      if (distill < 1 || fineTune < 0) {
        throw new IllegalArgumentException(
            "epochs: %d, %d (expected: distill >= 1, fineTune >= 0)".formatted(distill, fineTune));
      }
    }

    /** What a training set of this size needs. */
    static Epochs forImages(int images) {
      int few = Math.max(1, images);
      return new Epochs(
          Math.min(EPOCHS_MAX, Math.max(DISTILL_MIN, DISTILL_IMAGES_MIN / few)),
          Math.min(EPOCHS_MAX, Math.max(FINE_TUNE_MIN, FINE_TUNE_IMAGES_MIN / few)));
    }
  }

  /** How long students learn from so many images. */
  Epochs epochsFor(int images) {
    return epochs.orElseGet(() -> Epochs.forImages(images));
  }

  /** What serves small images within a minute or two on two cores. */
  public static TailorPlan standard(long seed) {
    return new TailorPlan(
        seed, Optional.empty(), Calibration.PERCENTILE, CandidateSpace.standard());
  }
}
