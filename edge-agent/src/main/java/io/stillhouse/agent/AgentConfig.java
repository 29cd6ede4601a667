package io.stillhouse.agent;

import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.serving.RestSettings;
import io.stillhouse.agent.telemetry.TelemetrySettings;
import java.time.Duration;

/**
 * How an agent is set up; every key has a default, so that a device needs no file at all.
 *
 * @param name wish for this device's name at enrolment; empty for the host's
 */
record AgentConfig(
    String name, RestSettings rest, Spooling telemetry, DeviceLimits limits, Storage artifact) {

  /** How telemetry is gathered and kept. */
  record Spooling(Duration window, long spoolBytesMax) {
    static final Duration WINDOW_MIN = Duration.ofMillis(100);

    Spooling {
      if (window.compareTo(WINDOW_MIN) < 0) {
        throw new IllegalArgumentException(
            "windowMillis: %d (expected: at least %d)"
                .formatted(window.toMillis(), WINDOW_MIN.toMillis()));
      }
      if (spoolBytesMax < TelemetrySettings.SPOOL_BYTES_MIN) {
        throw new IllegalArgumentException(
            "spoolBytesMax: %d (expected: at least %d)"
                .formatted(spoolBytesMax, TelemetrySettings.SPOOL_BYTES_MIN));
      }
    }
  }

  /**
   * What models may take of the disk.
   *
   * @param storageBytesMax of all bundles together; 0 = no limit
   */
  record Storage(long storageBytesMax) {
    Storage {
      if (storageBytesMax < 0) {
        throw new IllegalArgumentException(
            "storageBytesMax: " + storageBytesMax + " (expected: >= 0)");
      }
    }
  }

  static final AgentConfig DEFAULT =
      new AgentConfig(
          "",
          RestSettings.LOOPBACK,
          new Spooling(TelemetrySettings.WINDOW, TelemetrySettings.SPOOL_BYTES_MAX),
          DeviceLimits.NONE,
          new Storage(0));
}
