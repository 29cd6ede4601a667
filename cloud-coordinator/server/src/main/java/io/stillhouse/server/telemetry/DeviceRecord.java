package io.stillhouse.server.telemetry;

import java.util.Optional;

/**
 * One record of a device's spool, checked: a telemetry window or an event.
 *
 * @param dropped records that the spool dropped since it began, as told; 0 when the record does not
 *     tell
 * @param window absent for an event
 */
record DeviceRecord(String device, String spool, long seq, long dropped, Optional<Window> window) {
  /** What a telemetry window measured, and what it belongs to. */
  record Window(HealthKey key, HealthCounts counts) {}
}
