package io.stillhouse.server.cli;

import io.stillhouse.server.service.RolloutService.LeftOutPreview;
import io.stillhouse.server.service.RolloutService.RolloutPreview;
import io.stillhouse.server.service.RolloutService.RolloutView;
import io.stillhouse.server.service.RolloutService.TargetPreview;
import io.stillhouse.server.service.RolloutService.WavePreview;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Rollouts as people read them. */
final class RolloutText {
  /** Devices that are printed of each wave, and of those that are left out. */
  private static final int NAMED_MAX = 20;

  private static final int DIGEST_CHARACTERS = 12;

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

  /** Who would get what in which wave, and who is left out. */
  static void print(PrintWriter out, RolloutPreview preview) {
    Table waves = new Table("WAVE", "DEVICES", "OFFLINE", "BY CLASS");
    Table devices = new Table("WAVE", "DEVICE", "CLASS", "VARIANT", "NOW");
    int unnamed = preview.devices();
    for (WavePreview w : preview.waves()) {
      waves.row(w.wave() + 1, w.devices(), w.offline(), counts(w.byHardwareClass()));
      for (TargetPreview t : w.targets().subList(0, Math.min(NAMED_MAX, w.targets().size()))) {
        unnamed--;
        devices.row(
            w.wave() + 1,
            t.device(),
            t.hardwareClass(),
            t.artifact().substring(0, Math.min(DIGEST_CHARACTERS, t.artifact().length())),
            t.online() ? "online" : "offline, gets it on return");
      }
    }
    waves.print(out);
    out.println();
    devices.print(out);
    if (unnamed > 0) {
      out.println("and %d devices more; --json names up to 200 of each wave".formatted(unnamed));
    }
    out.println();
    if (!preview.leftOut().isEmpty()) {
      Table leftOut = new Table("LEFT OUT", "WHY");
      List<LeftOutPreview> named =
          preview.leftOut().subList(0, Math.min(NAMED_MAX, preview.leftOut().size()));
      named.forEach(l -> leftOut.row(l.device(), l.why()));
      leftOut.print(out);
      int more =
          preview.excluded().values().stream().mapToInt(Integer::intValue).sum() - named.size();
      if (more > 0) {
        out.println("and %d devices more; --json names up to 200".formatted(more));
      }
      out.println();
    }
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
