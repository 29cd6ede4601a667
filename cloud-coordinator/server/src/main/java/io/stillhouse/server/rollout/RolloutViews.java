package io.stillhouse.server.rollout;

import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.RolloutStanding;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.Verdict;
import io.stillhouse.fleet.rollout.WaveCounts;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.fleet.rollout.WaveJudgement;
import io.stillhouse.fleet.rollout.WaveStage;
import io.stillhouse.server.service.RolloutService.GateView;
import io.stillhouse.server.service.RolloutService.RolloutView;
import io.stillhouse.server.service.RolloutService.WaveView;
import io.stillhouse.server.storage.Rollouts.Listed;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Rollouts as people look at them. */
final class RolloutViews {
  private RolloutViews() {}

  /** One rollout with its waves and gates. */
  static RolloutView detailed(Listed listed, Snapshot at) {
    RolloutStanding standing = RolloutStanding.of(at.spec(), at.status(), at.facts(), at.now());
    return view(
        listed,
        at.status(),
        standing.waitingFor(),
        standing.waves().stream().map(RolloutViews::wave).toList());
  }

  /** One rollout in a list: its closed waves as they were recorded, and nothing that is derived. */
  static RolloutView brief(Listed listed) {
    return view(
        listed,
        listed.status(),
        "",
        listed.status().closed().stream()
            .map(
                closed ->
                    wave(
                        new RolloutStanding.WaveView(
                            closed.index(), Optional.of(WaveStage.CLOSED), closed.judgement())))
            .toList());
  }

  private static RolloutView view(
      Listed listed, RolloutStatus status, String waitingFor, List<WaveView> waves) {
    return new RolloutView(
        listed.id().value(),
        listed.model(),
        listed.version(),
        status.phase().name(),
        status.wave().map(RolloutStatus.WaveCursor::index).orElse(0),
        status.wave().map(w -> w.stage().name()).orElse(""),
        waitingFor,
        status.attention().reasons().stream().map(r -> r.kind() + ": " + r.text()).toList(),
        status.attention().deadline().map(Instant::toString),
        listed.createdAt().toString(),
        listed.updatedAt().toString(),
        waves);
  }

  private static WaveView wave(RolloutStanding.WaveView view) {
    WaveJudgement judgement = view.judgement();
    WaveCounts counts = judgement.counts();
    return new WaveView(
        view.index(),
        counts.assigned(),
        counts.reached(),
        counts.attempted(),
        counts.succeeded(),
        counts.failed(),
        view.stage().isEmpty() ? "NOT_OPEN" : name(judgement.verdict()),
        view.stage().isEmpty()
            ? List.of()
            : judgement.classes().stream().map(RolloutViews::gate).toList());
  }

  private static GateView gate(WaveJudgement.ClassJudgement judged) {
    ClassHealth health = judged.health();
    WaveHealth observed = health.observed();
    return new GateView(
        judged.hardwareClass().name(),
        name(judged.verdict()),
        judged.verdict().reason(),
        observed.inferences(),
        observed.errors(),
        observed.feedback().count() == 0
            ? OptionalDouble.empty()
            : OptionalDouble.of(
                (double) observed.feedback().correct() / observed.feedback().count()),
        health.baseline().accuracy(),
        observed.latencyP99Micros(),
        health.baseline().latencyP99Micros());
  }

  private static String name(Verdict verdict) {
    return verdict.match(p -> "PASS", i -> "INCONCLUSIVE", f -> "FAIL");
  }
}
