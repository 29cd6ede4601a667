package io.stillhouse.server.telemetry;

import java.util.List;
import java.util.OptionalLong;

/**
 * The latency buckets that telemetry carries: bucket {@code i} covers the microseconds in {@code
 * [bound(i - 1), bound(i))} with bounds 1, 2, 5, 10, 20, 50, ... 10,000,000; the first begins at
 * zero and the last is open.
 */
final class LatencyHistogram {
  /** Number of bounds: three in each of seven decades, and the last one. */
  static final int BOUNDS = 22;

  /** One more than there are bounds. */
  static final int BUCKETS = BOUNDS + 1;

  private static final int[] STEPS = {1, 2, 5};

  private LatencyHistogram() {}

  /**
   * The upper bound of a bucket, itself not in it; that of the last bucket is the highest bound.
   */
  static long upperBoundMicros(int bucket) {
    int index = Math.min(bucket, BOUNDS - 1);
    long decade = 1;
    for (int i = 0; i < index / STEPS.length; i++) {
      decade *= 10;
    }
    return decade * STEPS[index % STEPS.length];
  }

  /**
   * An upper estimate of a quantile: the upper bound of the bucket that holds it.
   *
   * @param share 0 to 1
   */
  static OptionalLong quantileMicros(List<Long> counts, double share) {
    long total = 0;
    for (long count : counts) {
      total += count;
    }
    if (total == 0) {
      return OptionalLong.empty();
    }
    long rank = Math.max(1, (long) Math.ceil(share * total));
    long seen = 0;
    for (int bucket = 0; bucket < counts.size(); bucket++) {
      seen += counts.get(bucket);
      if (seen >= rank) {
        return OptionalLong.of(upperBoundMicros(bucket));
      }
    }
    throw new AssertionError("rank " + rank + " lies beyond the total " + total);
  }
}
