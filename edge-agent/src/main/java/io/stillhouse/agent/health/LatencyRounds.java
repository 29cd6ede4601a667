package io.stillhouse.agent.health;

import io.stillhouse.agent.reconcile.TestFigures.LatencyMicros;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * Measures the latency of one inference.
 *
 * <p>On a busy machine a single interruption decides a round's 99th percentile, and a good model
 * must not be refused for it. A round over the limit is therefore repeated, and the best of up to
 * {@link #ROUNDS_MAX} counts: interruptions come and go, a model that is too slow is so each time.
 */
final class LatencyRounds {
  static final int ROUNDS_MAX = 3;

  /** Runs of a round: enough for two of them to lie beyond the 99th percentile. */
  static final int RUNS = 200;

  /** A slow model's round ends after this time, but not before {@link #RUNS_MIN}. */
  static final long ROUND_NANOS_MAX = 1_000_000_000;

  /** With fewer than a hundred runs the 99th percentile is the slowest one. */
  static final int RUNS_MIN = 10;

  /** The first runs allocate, and the Java side is still being compiled. */
  private static final int WARM_UP_RUNS = 5;

  private static final long NANOS_PER_MICRO = 1_000;

  private LatencyRounds() {}

  /**
   * The round with the lowest 99th percentile; the first one that is within the limit ends it.
   *
   * @param p99MicrosMax 0 = no limit: one round
   * @param nanoTicker monotonic nanoseconds
   */
  static LatencyMicros best(Runnable inference, long p99MicrosMax, LongSupplier nanoTicker) {
    for (int run = 0; run < WARM_UP_RUNS; run++) {
      inference.run();
    }
    LatencyMicros best = round(inference, nanoTicker);
    for (int round = 1; round < ROUNDS_MAX; round++) {
      if (p99MicrosMax == 0 || best.p99() <= p99MicrosMax) {
        break;
      }
      LatencyMicros next = round(inference, nanoTicker);
      best = next.p99() < best.p99() ? next : best;
    }
    return best;
  }

  private static LatencyMicros round(Runnable inference, LongSupplier nanoTicker) {
    long[] nanos = new long[RUNS];
    int runs = 0;
    long begin = nanoTicker.getAsLong();
    long before = begin;
    while (runs < RUNS && (runs < RUNS_MIN || before - begin < ROUND_NANOS_MAX)) {
      inference.run();
      long after = nanoTicker.getAsLong();
      nanos[runs++] = after - before;
      before = after;
    }
    Arrays.sort(nanos, 0, runs);
    return new LatencyMicros(quantile(nanos, runs, 50), quantile(nanos, runs, 99));
  }

  /** Nearest rank, in microseconds rounded up. */
  private static long quantile(long[] sortedNanos, int count, int percent) {
    int rank = (count * percent + 99) / 100;
    return (sortedNanos[rank - 1] + NANOS_PER_MICRO - 1) / NANOS_PER_MICRO;
  }
}
