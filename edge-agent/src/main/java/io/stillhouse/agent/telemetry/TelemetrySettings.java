package io.stillhouse.agent.telemetry;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where telemetry is kept, how much of it, and how often it is made.
 *
 * @param directory the data directory's {@code spool} folder; made when missing
 * @param spoolBytesMax most bytes on disk; beyond them the oldest unsent records are dropped and
 *     counted
 * @param window span of one telemetry window
 */
public record TelemetrySettings(Path directory, long spoolBytesMax, Duration window) {
  /** Where nothing else is configured. */
  public static final long SPOOL_BYTES_MAX = 8L << 20;

  /** Where nothing else is configured. */
  public static final Duration WINDOW = Duration.ofSeconds(10);

  public TelemetrySettings {
    if (window.isNegative() || window.isZero()) {
      throw new IllegalArgumentException("window: " + window + " (expected: > 0)");
    }
  }
}
