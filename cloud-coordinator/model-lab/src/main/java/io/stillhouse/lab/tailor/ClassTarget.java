package io.stillhouse.lab.tailor;

import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.model.profile.HardwareProfile;

/**
 * A hardware class that needs a student.
 *
 * @param profile of one of its devices, with limits and probes
 * @param accuracyDropMax how far the student may fall below the teacher; absolute, 0.01 = one point
 */
public record ClassTarget(
    HardwareClass hardwareClass, HardwareProfile profile, double accuracyDropMax) {
  /** Far below the share of one test image. */
  private static final double ROUNDING = 1e-9;

  public ClassTarget {
    if (!(accuracyDropMax >= 0 && accuracyDropMax <= 1)) {
      throw new IllegalArgumentException(
          "accuracyDropMax: %s (expected: 0 to 1)".formatted(accuracyDropMax));
    }
  }

  /** Whether a student may be so far below the teacher; one at the bound may. */
  boolean tolerates(double accuracyDrop) {
    // The difference of two shares of test images is off by their rounding.
    return accuracyDrop <= accuracyDropMax + ROUNDING;
  }
}
