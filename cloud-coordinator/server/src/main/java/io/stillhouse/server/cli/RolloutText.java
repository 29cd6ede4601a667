package io.stillhouse.server.cli;

import io.stillhouse.server.service.RolloutService.RolloutView;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Rollouts as people read them. */
final class RolloutText {
  private RolloutText() {}

  /** Where a rollout stands and what it waits for, in one line. */
  static String line(RolloutView r) {
    return "%s %s@%d %s, wave %d of %d %s%s"
        .formatted(
            r.id(),
            r.model(),
            r.version(),
            r.status(),
            r.waveIndex() + 1,
            r.waves().size(),
            r.waveStage(),
            r.waitingFor().isEmpty() ? "" : ": waiting for " + r.waitingFor());
  }

  /** Reasons, waves and the evidence of their gates. */
  static void print(PrintWriter out, RolloutView rollout) {
    rollout.reasons().forEach(reason -> out.println("because " + reason));
    Table waves =
        new Table("WAVE", "ASSIGNED", "REACHED", "ATTEMPTED", "SUCCEEDED", "FAILED", "VERDICT");
    Table gate = new Table("WAVE", "CLASS", "VERDICT", "INFERENCES", "ERRORS", "ACCURACY", "WHY");
    rollout
        .waves()
        .forEach(
            w -> {
              waves.row(
                  w.wave() + 1,
                  w.assigned(),
                  w.reached(),
                  w.attempted(),
                  w.succeeded(),
                  w.failed(),
                  w.verdict());
              w.gate()
                  .forEach(
                      g ->
                          gate.row(
                              w.wave() + 1,
                              g.hardwareClass(),
                              g.verdict(),
                              g.inferences(),
                              g.errors(),
                              share(g.accuracy()) + " before " + share(g.baselineAccuracy()),
                              g.reason()));
            });
    waves.print(out);
    out.println();
    gate.print(out);
  }

  /** {@code 3 x, 1 y}. */
  static String counts(Map<String, Integer> counts) {
    StringBuilder text = new StringBuilder();
    counts.forEach(
        (what, count) ->
            text.append(text.length() == 0 ? "" : ", ").append(count).append(' ').append(what));
    return text.toString();
  }

  private static String share(OptionalDouble share) {
    return share.isPresent()
        ? String.format(Locale.ROOT, "%.1f %%", 100 * share.getAsDouble())
        : "unknown";
  }
}
