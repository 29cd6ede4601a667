package io.stillhouse.fleet.desired;

import java.time.Instant;
import java.util.Optional;

/**
 * Which statements of a device count. A pure function of what is on record, the report and the
 * newest generation that was ever wanted of the device.
 *
 * <pre>
 * the report                                                  changes
 * ----------------------------------------------------------  --------------------------------
 * names a generation that was never wanted                    nothing: {@code IMPOSSIBLE}
 * same boot, sequence number not above the mark               nothing: {@code DUPLICATE}
 * older generation, or older attempt at the same one          the mark: {@code HISTORY}
 * same attempt, phase of lower rank                           mark and models: {@code REGRESSION}
 * same attempt and phase                                      all but {@code since}: {@code REPEAT}
 * anything newer                                              everything: {@code ACCEPTED}
 * </pre>
 *
 * A report of an earlier boot that arrives after a later boot's cannot be told from a new boot, and
 * need not be: generation, attempt and rank still keep it from undoing anything.
 */
public final class ReportRule {
  private ReportRule() {}

  /** What a report amounts to. */
  public enum Effect {
    ACCEPTED,
    REPEAT,
    REGRESSION,
    HISTORY,
    DUPLICATE,
    IMPOSSIBLE
  }

  /**
   * The state to store.
   *
   * @param next empty only when nothing was on record and the report does not count
   */
  public record Ingested(Effect effect, Optional<ReportedState> next) {}

  /**
   * What to store after a report.
   *
   * @param newestGeneration generation of the device's desired state; 0 when it has none
   * @param now store time
   */
  public static Ingested ingest(
      Optional<ReportedState> current, Report report, long newestGeneration, Instant now) {
    Report.Standing said = report.standing();
    if (said.generation() > newestGeneration || said.generation() < 0 || said.attempt() < 0) {
      return new Ingested(Effect.IMPOSSIBLE, current);
    }
    if (current.isEmpty()) {
      return new Ingested(Effect.ACCEPTED, Optional.of(ReportedState.first(report, now)));
    }
    ReportedState known = current.get();
    if (known.mark().bootId().equals(report.mark().bootId())
        && report.mark().seq() <= known.mark().seq()) {
      return new Ingested(Effect.DUPLICATE, current);
    }
    int order = compareTry(said, known.standing());
    if (order < 0) {
      return keep(Effect.HISTORY, known, report.mark(), known.models());
    }
    int step = Integer.compare(said.phase().rank(), known.phase().rank());
    if (order == 0 && step < 0) {
      return keep(Effect.REGRESSION, known, report.mark(), report.models());
    }
    boolean repeat = order == 0 && said.phase() == known.phase();
    ReportedState next =
        new ReportedState(
            report.mark(),
            said,
            report.models(),
            report.explanation(),
            repeat ? known.since() : now);
    return new Ingested(repeat ? Effect.REPEAT : Effect.ACCEPTED, Optional.of(next));
  }

  private static int compareTry(Report.Standing a, Report.Standing b) {
    int byGeneration = Long.compare(a.generation(), b.generation());
    return byGeneration != 0 ? byGeneration : Integer.compare(a.attempt(), b.attempt());
  }

  private static Ingested keep(
      Effect effect, ReportedState known, Report.Mark mark, Report.Models models) {
    return new Ingested(
        effect,
        Optional.of(
            new ReportedState(mark, known.standing(), models, known.explanation(), known.since())));
  }
}
