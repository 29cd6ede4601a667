package io.stillhouse.agent.inference;

import java.util.List;

/**
 * Counts of latencies in log-linear buckets, the form that telemetry carries. Bucket {@code i}
 * covers the microseconds in {@code [bound(i - 1), bound(i))} with bounds 1, 2, 5, 10, 20, 50, ...
 * 10,000,000; the first bucket begins at zero and the last one is open. Immutable.
 */
public record LatencyHistogram(List<Long> counts) {
  private static final long[] BOUNDS_MICROS = bounds();

  /** One more than there are bounds. */
  public static final int BUCKETS = BOUNDS_MICROS.length + 1;

  public LatencyHistogram {
    counts = List.copyOf(counts);
    if (counts.size() != BUCKETS) {
      throw new IllegalArgumentException(
          "buckets: %d (expected: %d)".formatted(counts.size(), BUCKETS));
    }
  }

  private static long[] bounds() {
    long[] bounds = new long[22];
    long decade = 1;
    for (int i = 0; i < bounds.length; i += 3, decade *= 10) {
      bounds[i] = decade;
      if (i + 2 < bounds.length) {
        bounds[i + 1] = 2 * decade;
        bounds[i + 2] = 5 * decade;
      }
    }
    return bounds;
  }

  /** The upper bound of bucket {@code bucket}, itself not included; the last bucket has none. */
  public static long upperBoundMicros(int bucket) {
    return BOUNDS_MICROS[bucket];
  }

  /**
   * The bucket that a latency falls into; a negative one (a clock's fault) falls into the first.
   */
  public static int bucketOf(long micros) {
    int low = 0;
    int high = BOUNDS_MICROS.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (micros < BOUNDS_MICROS[middle]) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** Sum over all buckets. */
  public long total() {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  /**
   * An upper estimate of a quantile: the upper bound of the bucket that holds it, and the highest
   * bound when it falls into the open bucket. Zero when nothing was counted.
   */
  public long quantileMicros(double quantile) {
    long total = total();
    if (total == 0) {
      return 0;
    }
    long rank = Math.max(1, (long) Math.ceil(quantile * total));
    long seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
      seen += counts.get(i);
      if (seen >= rank) {
        return BOUNDS_MICROS[Math.min(i, BOUNDS_MICROS.length - 1)];
      }
    }
    throw new AssertionError("rank " + rank + " lies beyond the total " + total);
  }
}
