package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.RolloutStatus.Reason;
import io.stillhouse.fleet.rollout.RolloutStatus.WaveCursor;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The whole rollout policy as one pure function: no clock, no I/O, no logging. It looks at what is
 * on record, not at what just happened, so a lost, repeated or late message changes nothing that
 * the next look does not put right, and a coordinator that starts anew goes on where the record
 * stands.
 *
 * <p>While a rollout is under way or paused, every wave that has opened is judged for harm at each
 * look, and one that fails ends the rollout, whether it is the wave in hand or has long closed.
 * Whether the next wave may open is asked of the wave in hand alone.
 *
 * <p>Each call makes at most one step of {@link RolloutPhase} or {@link WaveStage}; callers repeat
 * it until nothing changes. What operators do is in {@link RolloutCommand}.
 */
public final class RolloutPolicy {
  private RolloutPolicy() {}

  /**
   * What to do next.
   *
   * @param facts read together with {@code status}; their telemetry is of each wave that has opened
   * @param now store time
   */
  public static Decision decide(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now) {
    Step step = new Step(spec, status, facts, now);
    return switch (status.phase()) {
      case PLANNED -> step.start();
      case RUNNING -> step.run();
      case PAUSED -> step.watch();
      case ABORTING -> step.recallTouched();
      case ROLLING_BACK, ROLLBACK_INCOMPLETE -> step.awaitReturn();
      case SUCCEEDED_WITH_TAIL -> step.followTail();
      case ROLLED_BACK, SUCCEEDED, SUPERSEDED, CANCELLED -> Decision.none(status);
    };
  }

  /** One call's arguments and the draft of its answer. */
  private static final class Step {
    private final RolloutSpec spec;
    private final RolloutStatus status;
    private final RolloutFacts facts;
    private final Instant now;
    private final TargetProgress progress;
    private final WaveGate gate;
    private final Draft draft;

    Step(RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now) {
      this.spec = spec;
      this.status = status;
      this.facts = facts;
      this.now = now;
      this.progress = new TargetProgress(spec, facts, now);
      this.gate = new WaveGate(spec, facts, now);
      this.draft = new Draft(spec, status, facts, now);
    }

    Decision start() {
      if (superseded()) {
        return supersede();
      }
      draft.phase(RolloutPhase.RUNNING, "started");
      draft.open(0);
      return draft.build();
    }

    Decision run() {
      if (superseded()) {
        return supersede();
      }
      if (status.wave().isEmpty()) {
        draft.open(0);
        return draft.build();
      }
      WaveCursor wave = status.wave().get();
      WaveJudgement judgement = gate.judge(wave.index());
      if (stopped(wave, judgement)) {
        return draft.build();
      }
      if (advance(wave, judgement)) {
        return draft.build();
      }
      return pastDeadline() ? pause(wave, judgement) : draft.build();
    }

    /** A paused rollout opens nothing, but harm among the devices it has touched still ends it. */
    Decision watch() {
      if (superseded()) {
        return supersede();
      }
      status.wave().ifPresent(wave -> stopped(wave, gate.judge(wave.index())));
      return draft.build();
    }

    /** Whether a wave does harm, the one in hand or an earlier one; if so, the rollout ends. */
    private boolean stopped(WaveCursor wave, WaveJudgement inHand) {
      if (inHand.verdict() instanceof Verdict.Fail) {
        fail(inHand, inHand, inHand.verdict().reason());
        return true;
      }
      Optional<WaveGate.Harm> late = gate.lateHarm(wave.index());
      late.ifPresent(
          harm -> {
            String text =
                "wave %d, after it passed: %s"
                    .formatted(harm.wave() + 1, harm.judgement().verdict().reason());
            fail(inHand.as(new Verdict.Inconclusive(text)), harm.judgement(), text);
          });
      return late.isPresent();
    }

    /** One stage forward, if the time and the evidence are there. */
    private boolean advance(WaveCursor wave, WaveJudgement judgement) {
      switch (wave.stage()) {
        case OPEN -> {
          if (judgement.settled()) {
            draft.stage(WaveStage.SOAKING, "enough devices have settled");
            return true;
          }
        }
        case SOAKING -> {
          // Harm that nobody could have heard of is not soaked through.
          Instant heardSince =
              wave.stageSince().isAfter(facts.listeningSince())
                  ? wave.stageSince()
                  : facts.listeningSince();
          if (!now.isBefore(heardSince.plus(spec.timings().soak()))) {
            draft.stage(WaveStage.ANALYSING, "the soak has elapsed");
            return true;
          }
        }
        case ANALYSING -> {
          if (judgement.verdict() instanceof Verdict.Pass) {
            pass(wave, judgement);
            return true;
          }
        }
        case CLOSED ->
            throw new IllegalStateException(
                "rollout " + spec.id() + ": RUNNING with wave " + wave.index() + " CLOSED");
      }
      return false;
    }

    private void pass(WaveCursor wave, WaveJudgement judgement) {
      draft.close(judgement);
      if (wave.index() + 1 < spec.waves()) {
        draft.open(wave.index() + 1);
        return;
      }
      List<DeviceId> tail =
          spec.targets().stream()
              .filter(t -> !progress.of(t).settled())
              .map(RolloutTarget::device)
              .toList();
      if (tail.isEmpty()) {
        draft.phase(RolloutPhase.SUCCEEDED, "every wave passed");
        return;
      }
      String text = tail.size() + " devices have yet to settle";
      draft.phase(RolloutPhase.SUCCEEDED_WITH_TAIL, "every wave passed; " + text);
      draft.reasons(List.of(new Reason(Reason.Kind.DEVICES_MISSING, text)));
      draft.devices(tail);
    }

    private Decision pause(WaveCursor wave, WaveJudgement judgement) {
      String missing =
          judgement.verdict() instanceof Verdict.Pass
              ? "the soak is not over"
              : judgement.verdict().reason();
      String text =
          "wave %d has no verdict after %s: %s"
              .formatted(wave.index() + 1, spec.timings().waveDeadline(), missing);
      draft.phase(RolloutPhase.PAUSED, text);
      draft.reasons(List.of(new Reason(Reason.Kind.GATE_INCONCLUSIVE, text)));
      return draft.build();
    }

    private void fail(WaveJudgement inHand, WaveJudgement harmful, String text) {
      draft.close(inHand);
      draft.phase(RolloutPhase.ABORTING, text);
      draft.deadline(Duration.ZERO);
      draft.reasons(List.of(new Reason(Reason.Kind.GATE_FAILED, text)));
      guilty(harmful).values().forEach(target -> draft.quarantine(target, text));
    }

    /**
     * One target of each class to blame: those that failed by themselves, else those with failures.
     */
    private Map<HardwareClass, RolloutTarget> guilty(WaveJudgement judgement) {
      List<HardwareClass> failing =
          judgement.classes().stream()
              .filter(c -> c.verdict() instanceof Verdict.Fail)
              .map(WaveJudgement.ClassJudgement::hardwareClass)
              .toList();
      if (failing.isEmpty()) {
        failing =
            judgement.classes().stream()
                .filter(c -> c.counts().failed() > 0)
                .map(WaveJudgement.ClassJudgement::hardwareClass)
                .toList();
      }
      Map<HardwareClass, RolloutTarget> guilty = new LinkedHashMap<>();
      for (HardwareClass hardwareClass : failing) {
        spec.targets().stream()
            .filter(t -> t.hardwareClass().equals(hardwareClass))
            .findFirst()
            .ifPresent(t -> guilty.put(hardwareClass, t));
      }
      return guilty;
    }

    Decision recallTouched() {
      draft.phase(RolloutPhase.ROLLING_BACK, "touched devices are told to return");
      draft.deadline(spec.timings().rollbackDeadline());
      spec.targets().forEach(draft::recall);
      return draft.build();
    }

    Decision awaitReturn() {
      List<DeviceId> awaited =
          spec.targets().stream().filter(progress::awaited).map(RolloutTarget::device).toList();
      if (awaited.isEmpty()) {
        draft.phase(RolloutPhase.ROLLED_BACK, "every touched device runs its fallback");
        draft.reasons(
            status.attention().reasons().stream()
                .filter(r -> r.kind() != Reason.Kind.DEVICES_MISSING)
                .toList());
        draft.devices(List.of());
      } else if (status.phase() == RolloutPhase.ROLLBACK_INCOMPLETE) {
        draft.devices(awaited);
      } else if (pastDeadline()) {
        String text =
            "after %s, not seen to run their fallback: %s"
                .formatted(spec.timings().rollbackDeadline(), Names.of(awaited));
        draft.phase(RolloutPhase.ROLLBACK_INCOMPLETE, text);
        draft.reasons(
            Stream.concat(
                    status.attention().reasons().stream(),
                    Stream.of(new Reason(Reason.Kind.DEVICES_MISSING, text)))
                .toList());
        draft.devices(awaited);
      }
      return draft.build();
    }

    /** The tail has its own breaker: what the waves did not show, late-comers still may. */
    Decision followTail() {
      Set<DeviceId> names = Set.copyOf(status.attention().devices());
      Map<Outcome, Long> outcomes =
          spec.targets().stream()
              .filter(t -> names.contains(t.device()))
              .collect(Collectors.groupingBy(progress::of, Collectors.counting()));
      long attempted = count(outcomes, Outcome::attempted);
      long failed = count(outcomes, Outcome::failed);
      GatePolicy.Outcomes limits = spec.gate().outcomes();
      if (attempted >= Math.min(limits.minSample(), names.size())
          && Wilson.lower(failed, attempted) > limits.failureRateMax()) {
        String text = "%d of %d late devices failed".formatted(failed, attempted);
        draft.phase(RolloutPhase.SUCCEEDED, "tail stopped: " + text);
        draft.reasons(List.of(new Reason(Reason.Kind.TAIL_STOPPED, text)));
        spec.targets().stream()
            .filter(t -> names.contains(t.device()))
            .filter(t -> progress.of(t) != Outcome.SUCCEEDED)
            .forEach(draft::recall);
      } else if (count(outcomes, o -> !o.settled()) == 0) {
        draft.phase(RolloutPhase.SUCCEEDED, "the last devices have settled");
        draft.reasons(List.of());
        draft.devices(List.of());
      }
      return draft.build();
    }

    private static long count(Map<Outcome, Long> outcomes, Predicate<Outcome> which) {
      return outcomes.entrySet().stream()
          .filter(e -> which.test(e.getKey()))
          .mapToLong(Map.Entry::getValue)
          .sum();
    }

    /** Nothing is left to this rollout: newer wishes have taken every device that still exists. */
    private boolean superseded() {
      List<Outcome> outcomes = spec.targets().stream().map(progress::of).toList();
      return outcomes.contains(Outcome.SUPERSEDED)
          && outcomes.stream().allMatch(o -> o == Outcome.SUPERSEDED || o == Outcome.REVOKED);
    }

    private Decision supersede() {
      return RolloutCommand.superseded(
          spec, status, facts, "newer wishes have taken every device", now);
    }

    private boolean pastDeadline() {
      return status.attention().deadline().filter(d -> !now.isBefore(d)).isPresent();
    }
  }
}
