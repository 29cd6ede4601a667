package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.RolloutStatus.Attention;
import io.stillhouse.fleet.rollout.RolloutStatus.Reason;
import io.stillhouse.fleet.rollout.RolloutStatus.WaveCursor;
import io.stillhouse.fleet.rollout.RolloutStatus.WaveResult;
import io.stillhouse.model.Digest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A decision being written: each method checks its transition, notes it as an event, and applies
 * it.
 */
final class Draft {
  private final RolloutSpec spec;
  private final RolloutStatus from;
  private final RolloutFacts facts;
  private final Instant now;
  private final List<DesiredChange> desired = new ArrayList<>();
  private final List<Quarantine> quarantines = new ArrayList<>();
  private final List<RolloutEvent> events = new ArrayList<>();
  private RolloutPhase phase;
  private Optional<WaveCursor> wave;
  private final List<WaveResult> closed;
  private Attention attention;

  Draft(RolloutSpec spec, RolloutStatus from, RolloutFacts facts, Instant now) {
    this.spec = spec;
    this.from = from;
    this.facts = facts;
    this.now = now;
    this.phase = from.phase();
    this.wave = from.wave();
    this.closed = new ArrayList<>(from.closed());
    this.attention = from.attention();
  }

  void phase(RolloutPhase to, String cause) {
    events.add(new RolloutEvent("phase", phase.name(), to.name(), cause, now));
    phase = phase.become(to);
    attention = new Attention(now, Optional.empty(), attention.reasons(), attention.devices());
  }

  void deadline(Duration fromNow) {
    attention =
        new Attention(
            attention.phaseSince(),
            Optional.of(now.plus(fromNow)),
            attention.reasons(),
            attention.devices());
  }

  void reasons(List<Reason> reasons) {
    attention =
        new Attention(attention.phaseSince(), attention.deadline(), reasons, attention.devices());
  }

  void devices(List<DeviceId> devices) {
    attention =
        new Attention(attention.phaseSince(), attention.deadline(), attention.reasons(), devices);
  }

  void stage(WaveStage to, String cause) {
    WaveCursor at = wave.orElseThrow();
    events.add(
        new RolloutEvent("wave", at.index() + ":" + at.stage(), at.index() + ":" + to, cause, now));
    wave = Optional.of(new WaveCursor(at.index(), at.stage().become(to), at.openedAt(), now));
  }

  /** Closes the wave in hand, if one is open, and records its verdict for good. */
  void close(WaveJudgement judgement) {
    if (wave.isEmpty() || wave.get().stage() == WaveStage.CLOSED) {
      return;
    }
    int index = wave.get().index();
    String name = judgement.verdict().match(p -> "PASS", i -> "INCONCLUSIVE", f -> "FAIL");
    String cause = judgement.verdict().reason();
    events.add(new RolloutEvent("gate", Integer.toString(index), name, cause, now));
    stage(WaveStage.CLOSED, cause.isEmpty() ? "the gate passed" : cause);
    closed.add(new WaveResult(index, judgement, now));
  }

  /** Opens a wave and offers the artifact to those of its members that may have it. */
  void open(int index) {
    events.add(new RolloutEvent("wave", "", index + ":" + WaveStage.OPEN, "", now));
    wave = Optional.of(new WaveCursor(index, WaveStage.OPEN, now, now));
    deadline(spec.timings().waveDeadline());
    TargetProgress progress = new TargetProgress(spec, facts, now);
    for (RolloutTarget target : spec.wave(index)) {
      if (progress.of(target) == Outcome.NOT_OFFERED) {
        write(
            target,
            DesiredChange.Kind.OFFER,
            Optional.of(target.artifact()),
            spec.timings().probation());
      }
    }
  }

  /**
   * Sends a device back to its fallback, once, and only while this rollout decides what it runs: it
   * offered the artifact, or took the place of a rollout that had offered its own, which nobody
   * judges any more.
   */
  void recall(RolloutTarget target) {
    TargetFacts known = facts.of(target);
    boolean offered =
        known.told().offer().isPresent()
            && known.desired().flatMap(DesiredState::rollout).filter(spec.id()::equals).isPresent();
    if ((offered || inherited(target, known))
        && !known.revoked()
        && known.told().recall().isEmpty()) {
      write(target, DesiredChange.Kind.RECALL, target.fallback(), Duration.ZERO);
    }
  }

  /**
   * Whether a device is still wished what a superseded rollout sent it, whether it has it yet or
   * not.
   */
  private boolean inherited(RolloutTarget target, TargetFacts known) {
    return known
        .desired()
        .filter(wish -> wish.generation() == target.origin().generation())
        .filter(wish -> wish.rollout().filter(facts.superseded()::contains).isPresent())
        .filter(wish -> !wish.artifact().equals(target.fallback()))
        .filter(wish -> known.reported().filter(said -> said.refuses(wish)).isEmpty())
        .isPresent();
  }

  void quarantine(RolloutTarget target, String reason) {
    quarantines.add(
        new Quarantine(target.artifact(), target.hardwareClass(), spec.id(), reason, now));
  }

  Decision build() {
    RolloutStatus next = new RolloutStatus(from.version(), phase, wave, closed, attention);
    if (next.equals(from) && desired.isEmpty() && quarantines.isEmpty()) {
      return Decision.none(from);
    }
    return new Decision(
        new RolloutStatus(from.version() + 1, phase, wave, closed, attention),
        desired,
        quarantines,
        events);
  }

  private void write(
      RolloutTarget target,
      DesiredChange.Kind kind,
      Optional<Digest> artifact,
      Duration probation) {
    long generation = facts.of(target).desired().map(DesiredState::generation).orElse(0L);
    DesiredState state =
        new DesiredState(
            target.device(), generation + 1, artifact, Optional.of(spec.id()), target.wave());
    desired.add(new DesiredChange(state, kind, probation));
  }
}
