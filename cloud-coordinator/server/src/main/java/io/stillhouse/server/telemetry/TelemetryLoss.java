package io.stillhouse.server.telemetry;

/**
 * Records on their way from spools to here: {@code sent = received + lost + dropped}, always.
 *
 * @param sent highest sequence number seen, summed over spools
 * @param received distinct records
 * @param lost not received, and nobody said why; a record that is still under way counts until it
 *     arrives
 * @param duplicates received again
 * @param dropped not received because the device's bounded spool dropped them, as it told
 */
public record TelemetryLoss(long sent, long received, long lost, long duplicates, long dropped) {
  public static final TelemetryLoss NONE = new TelemetryLoss(0, 0, 0, 0, 0);

  public TelemetryLoss plus(TelemetryLoss other) {
    return new TelemetryLoss(
        sent + other.sent,
        received + other.received,
        lost + other.lost,
        duplicates + other.duplicates,
        dropped + other.dropped);
  }
}
