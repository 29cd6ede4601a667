package io.stillhouse.fleet.rollout;

import java.util.List;
import java.util.OptionalLong;

/**
 * How many inferences took how long, in the buckets that telemetry carries: bucket {@code i} covers
 * the microseconds in {@code [bound(i - 1), bound(i))} with bounds 1, 2, 5, 10, 20, 50, ...
 * 10,000,000; the first begins at zero and the last is open. Immutable.
 *
 * @param counts by bucket; missing ones at the end are empty buckets
 */
public record LatencyHistogram(List<Long> counts) {
  /** Number of bounds: three in each of seven decades, and the last one. */
  static final int BOUNDS = 22;

  /** One more than there are bounds. */
  public static final int BUCKETS = BOUNDS + 1;

  /** Nothing was timed. */
  public static final LatencyHistogram NONE = new LatencyHistogram(List.of());

  private static final int[] STEPS = {1, 2, 5};

  public LatencyHistogram {
    counts = List.copyOf(counts);
    if (counts.size() > BUCKETS) {
      throw new IllegalArgumentException(
          "buckets: %d (expected: at most %d)".formatted(counts.size(), BUCKETS));
    }
  }

  /**
   * The upper bound of a bucket, itself not in it; that of the last bucket is the highest bound.
   */
  public static long upperBoundMicros(int bucket) {
    int index = Math.min(bucket, BOUNDS - 1);
    long decade = 1;
    for (int i = 0; i < index / STEPS.length; i++) {
      decade *= 10;
    }
    return decade * STEPS[index % STEPS.length];
  }

  private static long lowerBoundMicros(int bucket) {
    return bucket == 0 ? 0 : upperBoundMicros(bucket - 1);
  }

  /** Inferences that were timed. */
  public long total() {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  /**
   * Inferences that surely took that long or longer. Those of the bucket that the limit lies within
   * are not among them, because they may have been faster.
   */
  public long surelyAtLeast(long micros) {
    long slow = 0;
    for (int bucket = 0; bucket < counts.size(); bucket++) {
      if (lowerBoundMicros(bucket) >= micros) {
        slow += counts.get(bucket);
      }
    }
    return slow;
  }

  /**
   * An upper estimate of a quantile: the upper bound of the bucket that holds it.
   *
   * @param share 0 to 1
   */
  public OptionalLong quantileMicros(double share) {
    long total = total();
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
