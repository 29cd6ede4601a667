package io.stillhouse.agent.reconcile;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: uniform between nothing and a ceiling that doubles with
 * each failure up to a cap ("full jitter"). After an outage the devices of a fleet come back spread
 * over the whole cap instead of in step. It never gives up.
 *
 * @param first ceiling after the first failure
 * @param cap ceiling after many
 */
public record Backoff(Duration first, Duration cap) {
  private static final int DOUBLINGS_MAX = 30;

  public Backoff {
    if (first.isNegative() || first.isZero() || cap.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "first %s, cap %s (expected: 0 < first <= cap)".formatted(first, cap));
    }
  }

  /**
   * The wait after so many failures in a row.
   *
   * @param failures at least 1
   */
  public Duration delay(int failures, RandomGenerator random) {
    if (failures < 1) {
      throw new IllegalArgumentException("failures: " + failures + " (expected: >= 1)");
    }
    long factor = 1L << Math.min(failures - 1, DOUBLINGS_MAX);
    long ceilingMillis =
        first.toMillis() > cap.toMillis() / factor ? cap.toMillis() : first.toMillis() * factor;
    return Duration.ofMillis(random.nextLong(ceilingMillis + 1));
  }
}
