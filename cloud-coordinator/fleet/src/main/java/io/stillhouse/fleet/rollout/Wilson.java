package io.stillhouse.fleet.rollout;

/**
 * Bounds of a share known from a sample: the Wilson score interval (E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", 1927), two-sided, 95 %. Unlike the
 * normal approximation it stays within 0..1 and behaves for the handful of devices of a canary.
 */
final class Wilson {
  /** The 97.5 % quantile of the normal distribution. */
  private static final double Z = 1.959_963_984_540_054;

  private Wilson() {}

  /** The share is at least this; 0 for an empty sample. */
  static double lower(long hits, long sample) {
    return sample == 0 ? 0 : Math.max(0, centre(hits, sample) - margin(hits, sample));
  }

  /** The share is at most this; 1 for an empty sample. */
  static double upper(long hits, long sample) {
    return sample == 0 ? 1 : Math.min(1, centre(hits, sample) + margin(hits, sample));
  }

  private static double centre(long hits, long sample) {
    return (hits + Z * Z / 2) / (sample + Z * Z);
  }

  private static double margin(long hits, long sample) {
    double share = (double) hits / sample;
    return Z * Math.sqrt(sample * share * (1 - share) + Z * Z / 4) / (sample + Z * Z);
  }
}
