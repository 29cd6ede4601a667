package io.stillhouse.agent.inference;

import java.time.Duration;

/**
 * Bounds of a {@link OnnxModelHost}.
 *
 * @param threads threads that one run may use inside the runtime
 * @param workers runs at once
 * @param waitersMax callers that may wait for a free worker; beyond them the outcome is {@code
 *     Busy}
 * @param runTimeout after which a run is ended by force and counted as an error
 */
public record HostSettings(int threads, int workers, int waitersMax, Duration runTimeout) {
  /** Runs at once where nothing else is configured: one computes while one copies. */
  public static final int WORKERS = 2;

  /** Callers in line where nothing else is configured. */
  public static final int WAITERS_MAX = 16;

  /** Generous: the slowest board takes some hundred milliseconds for the largest student. */
  public static final Duration RUN_TIMEOUT = Duration.ofSeconds(10);

  public HostSettings {
    if (threads < 1 || workers < 1 || waitersMax < 0) {
      throw new IllegalArgumentException(
          "host: %d threads, %d workers, %d waiters (expected: at least 1, 1 and 0)"
              .formatted(threads, workers, waitersMax));
    }
    if (runTimeout.isNegative() || runTimeout.isZero()) {
      throw new IllegalArgumentException("runTimeout: " + runTimeout + " (expected: > 0)");
    }
  }

  public static HostSettings withThreads(int threads) {
    return new HostSettings(threads, WORKERS, WAITERS_MAX, RUN_TIMEOUT);
  }
}
