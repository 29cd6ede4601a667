package io.stillhouse.fleet.desired;

import java.time.Instant;

/**
 * What is on record of a device's own statements: facts it wrote, never inferred ones.
 *
 * @param mark the latest statement that was taken into account
 * @param since store time at which this generation, attempt and phase were first stated; a device
 *     that repeats itself makes no progress
 */
public record ReportedState(
    Report.Mark mark,
    Report.Standing standing,
    Report.Models models,
    Report.Explanation explanation,
    Instant since) {
  /** The state that a device's report creates when nothing was on record. */
  public static ReportedState first(Report report, Instant now) {
    return new ReportedState(
        report.mark(), report.standing(), report.models(), report.explanation(), now);
  }

  public Phase phase() {
    return standing.phase();
  }

  /** Whether the device has said that it cannot have what it was wished. */
  public boolean refuses(DesiredState wish) {
    return observedGeneration() == wish.generation()
        && (phase() == Phase.FAILED
            || phase() == Phase.ROLLED_BACK
            || phase() == Phase.INCOMPATIBLE);
  }

  /** The generation that the device last acted on. */
  public long observedGeneration() {
    return standing.generation();
  }
}
