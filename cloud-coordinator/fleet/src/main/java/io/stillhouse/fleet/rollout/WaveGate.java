package io.stillhouse.fleet.rollout;

import io.stillhouse.model.profile.HardwareClass;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Judges a wave: what became of its devices, as a whole and per hardware class, and what the live
 * model does on each class. Any class can fail the wave, however good the others make the total
 * look.
 *
 * <p>Failing needs no patience and is judged at any time, also of a wave that has closed; passing
 * is asked once, of the wave in hand, and needs all of: enough devices reached, nearly all of those
 * settled, failures within the limit, enough successes, and healthy telemetry. What is neither is
 * inconclusive and names what is missing.
 */
final class WaveGate {
  private final RolloutSpec spec;
  private final RolloutFacts facts;
  private final TargetProgress progress;
  private final GatePolicy.Outcomes limits;
  private final HealthGate healthGate;

  WaveGate(RolloutSpec spec, RolloutFacts facts, Instant now) {
    this.spec = spec;
    this.facts = facts;
    this.progress = new TargetProgress(spec, facts, now);
    this.limits = spec.gate().outcomes();
    this.healthGate = new HealthGate(spec.gate().health());
  }

  /** A wave that does harm, as it is judged now. */
  record Harm(int wave, WaveJudgement judgement) {}

  /**
   * The first wave before {@code index} that fails now, although it passed when it closed. Its
   * devices still run the artifact, and some harm takes longer than a soak to show.
   */
  Optional<Harm> lateHarm(int index) {
    for (int wave = 0; wave < index; wave++) {
      WaveJudgement judgement = judge(wave);
      if (judgement.verdict() instanceof Verdict.Fail) {
        return Optional.of(new Harm(wave, judgement));
      }
    }
    return Optional.empty();
  }

  /** Judges wave {@code index} as of now. */
  WaveJudgement judge(int index) {
    Tally total = new Tally();
    // Sorted, so that the reason names the same class whatever order the targets came in.
    Map<HardwareClass, Tally> byClass = new TreeMap<>();
    for (RolloutTarget target : spec.wave(index)) {
      Outcome outcome = progress.of(target);
      total.add(outcome);
      byClass.computeIfAbsent(target.hardwareClass(), c -> new Tally()).add(outcome);
    }
    List<WaveJudgement.ClassJudgement> classes = new ArrayList<>();
    List<Verdict> verdicts = new ArrayList<>();
    byClass.forEach(
        (hardwareClass, tally) -> {
          ClassHealth health = facts.health(index, hardwareClass);
          Verdict verdict = judgeClass(hardwareClass, tally, health, index);
          classes.add(
              new WaveJudgement.ClassJudgement(hardwareClass, verdict, tally.counts(), health));
          verdicts.add(named(hardwareClass, verdict));
        });
    verdicts.add(judgeTotal(total));
    return new WaveJudgement(
        HealthGate.worst(verdicts), total.counts(), total.aside, settled(total), classes);
  }

  private Verdict judgeTotal(Tally tally) {
    if (tally.eligible() == 0) {
      return tally.aside.containsKey(Outcome.INCOMPATIBLE)
              || tally.aside.containsKey(Outcome.QUARANTINED)
          ? new Verdict.Inconclusive("no device of the wave could try the artifact")
          : new Verdict.Pass();
    }
    WaveCounts counts = tally.counts();
    Verdict failures = failures(tally);
    if (failures instanceof Verdict.Fail) {
      return failures;
    }
    if (!settled(tally)) {
      return new Verdict.Inconclusive(
          "%d of %d devices reached, %d settled"
              .formatted(counts.reached(), tally.eligible(), counts.attempted()));
    }
    if (counts.succeeded() < limits.passMin() * counts.attempted()) {
      return new Verdict.Inconclusive(
          "%d of %d attempted devices succeeded (expected: at least %s)"
              .formatted(
                  counts.succeeded(), counts.attempted(), HealthGate.percent(limits.passMin())));
    }
    return failures;
  }

  private Verdict judgeClass(
      HardwareClass hardwareClass, Tally tally, ClassHealth health, int index) {
    if (tally.eligible() == 0) {
      return new Verdict.Pass();
    }
    Verdict measured = healthGate.evaluate(health);
    WaveCounts counts = tally.counts();
    if (counts.attempted() == 0 && !(measured instanceof Verdict.Fail)) {
      // A class that this wave cannot speak for must not be carried into the next one.
      return returnsAfter(hardwareClass, index)
          ? new Verdict.Inconclusive("no device has tried the artifact")
          : new Verdict.Pass();
    }
    Verdict proven =
        counts.succeeded() > 0
            ? new Verdict.Pass()
            : new Verdict.Inconclusive(
                "none of %d attempted devices succeeded".formatted(counts.attempted()));
    return HealthGate.worst(List.of(failures(tally), proven, measured));
  }

  private Verdict failures(Tally tally) {
    WaveCounts counts = tally.counts();
    if (counts.attempted() < sample(tally)) {
      return new Verdict.Pass();
    }
    return HealthGate.beyond(
        counts.failed(),
        counts.attempted(),
        limits.failureRateMax(),
        "%d of %d attempted devices failed (limit %s)"
            .formatted(
                counts.failed(), counts.attempted(), HealthGate.percent(limits.failureRateMax())));
  }

  private boolean returnsAfter(HardwareClass hardwareClass, int index) {
    return spec.targets().stream()
        .anyMatch(t -> t.wave() > index && t.hardwareClass().equals(hardwareClass));
  }

  private boolean settled(Tally tally) {
    WaveCounts counts = tally.counts();
    double reachedMin = Math.max(sample(tally), limits.reachedMin() * tally.eligible());
    return counts.reached() >= reachedMin
        && counts.attempted() >= limits.settledMin() * counts.reached();
  }

  /** A wave smaller than the sample decides when all of it has been tried. */
  private int sample(Tally tally) {
    return Math.min(limits.minSample(), tally.eligible());
  }

  private static Verdict named(HardwareClass hardwareClass, Verdict verdict) {
    return verdict.match(
        pass -> pass,
        inconclusive -> new Verdict.Inconclusive(hardwareClass + ": " + inconclusive.missing()),
        fail -> new Verdict.Fail(hardwareClass + ": " + fail.reason()));
  }

  /** Counts of outcomes. */
  private static final class Tally {
    private final Map<Outcome, Integer> aside = new EnumMap<>(Outcome.class);
    private int assigned;
    private int reached;
    private int attempted;
    private int succeeded;
    private int failed;

    void add(Outcome outcome) {
      assigned++;
      reached += outcome.reached() ? 1 : 0;
      attempted += outcome.attempted() ? 1 : 0;
      succeeded += outcome == Outcome.SUCCEEDED ? 1 : 0;
      failed += outcome.failed() ? 1 : 0;
      if (outcome.aside()) {
        aside.merge(outcome, 1, Integer::sum);
      }
    }

    /** Members that the wave can learn from. */
    int eligible() {
      return assigned - aside.values().stream().mapToInt(Integer::intValue).sum();
    }

    WaveCounts counts() {
      return new WaveCounts(assigned, reached, attempted, succeeded, failed);
    }
  }
}
