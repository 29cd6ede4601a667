package io.stillhouse.server.device;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.Serial;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * How often one device may report: each report is a transaction of the database that all devices
 * share. An update takes some ten reports, so an agent never meets the limit. Kept over sessions,
 * or a new one would be a way around it. Thread-safe.
 */
final class ReportPace {
  /** Reports at once. */
  static final int BURST_MAX = 120;

  /** One more may be sent each time this has passed. */
  static final Duration INTERVAL = Duration.ofMillis(500);

  private final LongSupplier nanos;
  private final Map<DeviceId, Long> freeAt =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Serial private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<DeviceId, Long> eldest) {
          return size() > Sessions.SESSIONS_MAX;
        }
      };

  /**
   * Nobody has reported yet.
   *
   * @param nanos monotonic
   */
  ReportPace(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /**
   * Counts a report.
   *
   * @throws CoordinatorException when there were too many
   */
  synchronized void count(DeviceId device) {
    long now = nanos.getAsLong();
    // When all that was reported would be paid for at one report per interval.
    long paidAt = freeAt.getOrDefault(device, now);
    long from = paidAt - now > 0 ? paidAt : now;
    if (from - now > INTERVAL.multipliedBy(BURST_MAX - 1L).toNanos()) {
      throw new CoordinatorException(
          ErrorCategory.EXHAUSTED,
          "cannot take a report of device " + device,
          "it sends more than %d at once and one each %d ms after that"
              .formatted(BURST_MAX, INTERVAL.toMillis()),
          "connect again later");
    }
    freeAt.put(device, from + INTERVAL.toNanos());
  }
}
