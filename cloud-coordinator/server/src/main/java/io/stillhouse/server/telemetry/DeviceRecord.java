package io.stillhouse.server.telemetry;

import java.util.Optional;

/**
 * One record of a device's spool: a telemetry window or an event. Who sent it and as which number
 * is checked, so that it can be accounted for even when what it says cannot be used.
 *
 * @param dropped records that the spool dropped since it began, as told; 0 when the record does not
 *     tell
 * @param window absent for an event, for a device that ran nothing, and for a refused content
 * @param refusal why the content is not used
 */
record DeviceRecord(
    String device,
    String spool,
    long seq,
    long dropped,
    Optional<Window> window,
    Optional<String> refusal) {
  /** What a telemetry window measured, and what it belongs to. */
  record Window(HealthKey key, HealthCounts counts) {}
}
