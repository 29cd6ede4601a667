package io.stillhouse.server.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.rollout.Baseline;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutFacts;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/** Stored rollouts whose facts include what live models measure. Thread-safe; calls block. */
final class MeasuredRollouts implements RolloutStore {
  private final RolloutStore stored;
  private final WaveHealthSource health;
  private final VariantFacts variants;
  private final UnaryOperator<Instant> listening;

  /**
   * Adds to what is stored.
   *
   * @param listening since when devices were heard, as of a look at this time
   */
  MeasuredRollouts(
      RolloutStore stored,
      WaveHealthSource health,
      VariantFacts variants,
      UnaryOperator<Instant> listening) {
    this.stored = stored;
    this.health = health;
    this.variants = variants;
    this.listening = listening;
  }

  @Override
  public boolean create(RolloutSpec spec, RolloutStatus status) {
    return stored.create(spec, status);
  }

  @Override
  public List<RolloutId> unfinished() {
    return stored.unfinished();
  }

  @Override
  public Optional<Snapshot> load(RolloutId rollout) {
    return stored
        .load(rollout)
        .map(
            at ->
                new Snapshot(
                    at.spec(),
                    at.status(),
                    new RolloutFacts(
                        at.facts().targets(),
                        measured(at),
                        at.facts().quarantined(),
                        at.facts().superseded(),
                        listening.apply(at.now())),
                    at.now()));
  }

  @Override
  public Outcome apply(RolloutId rollout, Decision decision, long expectedVersion, long epoch) {
    return stored.apply(rollout, decision, expectedVersion, epoch);
  }

  @Override
  public List<RolloutEvent> events(RolloutId rollout) {
    return stored.events(rollout);
  }

  /** Health of every wave that has opened; no wave, no health. */
  private Map<Integer, Map<HardwareClass, ClassHealth>> measured(Snapshot at) {
    if (at.status().wave().isEmpty() || at.status().phase().terminal()) {
      return Map.of();
    }
    Map<Integer, Map<HardwareClass, ClassHealth>> byWave = new HashMap<>();
    // One target stands for its class: all of a class get the same variant.
    Map<HardwareClass, RolloutTarget> targets = new HashMap<>();
    at.spec().targets().forEach(target -> targets.putIfAbsent(target.hardwareClass(), target));
    targets.forEach(
        (hardwareClass, target) -> {
          Map<Integer, WaveHealth> observed = new HashMap<>();
          for (int wave = 0; wave <= at.status().wave().get().index(); wave++) {
            int index = wave;
            health
                .wave(at.spec().id(), wave, hardwareClass, target.artifact())
                .ifPresent(seen -> observed.put(index, seen));
          }
          if (!observed.isEmpty()) {
            Baseline before = baseline(target);
            observed.forEach(
                (wave, seen) ->
                    byWave
                        .computeIfAbsent(wave, w -> new HashMap<>())
                        .put(hardwareClass, new ClassHealth(seen, before)));
          }
        });
    return byWave;
  }

  private Baseline baseline(RolloutTarget target) {
    Optional<Digest> before = target.fallback();
    Optional<WaveHealth> live =
        before.flatMap(digest -> health.baseline(digest, target.hardwareClass()));
    OptionalDouble accuracy = live.map(MeasuredRollouts::accuracy).orElse(OptionalDouble.empty());
    if (accuracy.isEmpty() && before.isPresent()) {
      accuracy = variants.accuracy(before.get());
    }
    if (accuracy.isEmpty()) {
      accuracy = variants.accuracy(target.artifact());
    }
    return new Baseline(
        accuracy,
        live.map(WaveHealth::meanConfidence).orElse(OptionalDouble.empty()),
        live.map(WaveHealth::latencyP99Micros).orElse(OptionalLong.empty()),
        variants.latencyBudgetMicros(target.artifact()));
  }

  /** Live accuracy needs enough labels to be one. */
  private static OptionalDouble accuracy(WaveHealth live) {
    long feedbackMin = GatePolicy.DEFAULT.health().evidence().minFeedback();
    WaveHealth.Feedback feedback = live.feedback();
    return feedback.count() < feedbackMin
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) feedback.correct() / feedback.count());
  }
}
