package io.stillhouse.lab.compress;

import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.model.recipe.Compression.Calibration;

/**
 * How often an activation takes which values: the extremes in a first pass, counts in bins between
 * them in a second. Not thread-safe.
 */
final class ActivationHistogram {
  static final int BINS = 4_096;

  private static final int LEVELS = 256;

  /** Share that a percentile cuts at each end. */
  private static final double CUT = 0.001;

  /** Narrowest range that is tried, as a share of the widest, and how many are tried. */
  private static final double SHRINK_MIN = 0.2;

  private static final int TRIALS = 160;

  /** Stands for a level's share where the reference has values and the level has none. */
  private static final double SHARE_MIN = 1e-9;

  private float low = Float.POSITIVE_INFINITY;
  private float high = Float.NEGATIVE_INFINITY;
  private final long[] bins = new long[BINS];
  private long total;

  /** Of the total, those that are exactly 0. */
  private long zeros;

  /** First pass. */
  void widen(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            "an activation is not finite: the network to be quantized is broken");
      }
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }

  /** Second pass, over the same values. */
  void count(float[] values) {
    float scale = high > low ? BINS / (high - low) : 0;
    for (float value : values) {
      bins[Math.min(BINS - 1, (int) ((value - low) * scale))]++;
      zeros += value == 0 ? 1 : 0;
    }
    total += values.length;
  }

  Range range(Calibration calibration) {
    return switch (calibration) {
      case MIN_MAX -> Range.covering(low, high);
      case PERCENTILE -> percentile();
      case MSE -> best(this::squaredError);
      case ENTROPY -> best(this::divergence);
    };
  }

  private Range percentile() {
    long cut = (long) (total * CUT);
    int first = 0;
    for (long seen = bins[0]; seen <= cut && first < BINS - 1; seen += bins[first]) {
      first++;
    }
    int last = BINS - 1;
    for (long seen = bins[last]; seen <= cut && last > first; seen += bins[last]) {
      last--;
    }
    float width = (high - low) / BINS;
    return Range.covering(low + first * width, low + (last + 1) * width);
  }

  private interface Cost {
    double of(Range range);
  }

  /** The cheapest of the ranges between the whole one and a fifth of it, ends shrunk alike. */
  private Range best(Cost cost) {
    Range whole = Range.covering(low, high);
    Range best = whole;
    double least = cost.of(whole);
    for (int i = 1; i <= TRIALS; i++) {
      float shrink = (float) (1 - (1 - SHRINK_MIN) * i / TRIALS);
      Range range = new Range(whole.low() * shrink, whole.high() * shrink);
      double now = cost.of(range);
      if (now < least) {
        least = now;
        best = range;
      }
    }
    return best;
  }

  /** Mean squared error of what the file will do to these values. */
  double squaredError(Range range) {
    double scale = Math.max(1e-8, (range.high() - range.low()) / (LEVELS - 1));
    double zero = Math.rint(-range.low() / scale);
    double sum = 0;
    for (int i = 0; i < BINS; i++) {
      if (bins[i] > 0) {
        double value = centre(i);
        double level = Math.max(0, Math.min(LEVELS - 1, Math.rint(value / scale) + zero)) - zero;
        sum += bins[i] * Math.pow(value - level * scale, 2);
      }
    }
    return sum / Math.max(1, total);
  }

  /**
   * Divergence of the rounded distribution from the true one (Migacz 2017): what lies outside the
   * range is added to its outermost bins in the reference, and each level shares its values evenly
   * among those of its bins that are not empty.
   *
   * <p>Exact zeros are in neither distribution. Every range gives them back as they were, since its
   * zero point is a whole number, so they say nothing about which range is better. Left in, the
   * half of all values that ReLU makes 0 would be spread over the bins of their level, the fewer
   * the narrower the range, and the narrowest would always win. NVIDIA's pytorch-quantization, from
   * the same source, takes the spike out of its first bin too.
   */
  double divergence(Range range) {
    long[] counts = bins.clone();
    counts[bin(0)] -= zeros;
    long all = total - zeros;
    int from = bin(range.low());
    int to = bin(range.high());
    int count = to - from + 1;
    double[] reference = new double[count];
    for (int i = 0; i < BINS; i++) {
      reference[Math.max(0, Math.min(count - 1, i - from))] += counts[i];
    }
    double[] rounded = new double[count];
    double inside = 0;
    for (int level = 0; level < LEVELS; level++) {
      int first = (int) ((long) level * count / LEVELS);
      int end = (int) ((long) (level + 1) * count / LEVELS);
      double sum = 0;
      int used = 0;
      for (int i = first; i < end; i++) {
        sum += counts[from + i];
        used += reference[i] > 0 ? 1 : 0;
      }
      inside += sum;
      for (int i = first; i < end; i++) {
        rounded[i] = reference[i] > 0 ? sum / used : 0;
      }
    }
    double divergence = 0;
    for (int i = 0; i < count; i++) {
      if (reference[i] > 0) {
        double p = reference[i] / Math.max(1, all);
        double q = Math.max(SHARE_MIN, rounded[i] / Math.max(1, inside));
        divergence += p * Math.log(p / q);
      }
    }
    return divergence;
  }

  private double centre(int bin) {
    return low + (bin + 0.5) * (high - low) / BINS;
  }

  private int bin(float value) {
    float scale = high > low ? BINS / (high - low) : 0;
    return Math.max(0, Math.min(BINS - 1, (int) ((value - low) * scale)));
  }
}
