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

  /** Smaller spools would hold too few segments to drop by. */
  public static final long SPOOL_BYTES_MIN = 128L << 10;

  public TelemetrySettings {
    if (spoolBytesMax < SPOOL_BYTES_MIN) {
      throw new IllegalArgumentException(
          "spoolBytesMax: %d (expected: >= %d)".formatted(spoolBytesMax, SPOOL_BYTES_MIN));
    }
    if (window.isNegative() || window.isZero()) {
      throw new IllegalArgumentException("window: " + window + " (expected: > 0)");
    }
  }

  /** The part of the bound that events get; they are few, and windows must not push them out. */
  long eventBytesMax() {
    return Math.max(Spool.BYTES_MIN, spoolBytesMax / 8);
  }
}
