package io.stillhouse.fleet.rollout;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Judges what a live model does, one hardware class at a time. A share fails only when even the
 * friendly end of its confidence interval is beyond the limit; when the observed value is beyond
 * the limit and chance could still explain it, the verdict is inconclusive, never a pass.
 * Immutable.
 */
final class HealthGate {
  /** Below this many inferences a 99th percentile is the maximum, warm-up included. */
  static final long LATENCY_INFERENCES_MIN = 100;

  /**
   * Growth of p99 latency is not judged below this: there the operating system's other work decides
   * the slowest hundredth, not the model. A budget is judged however small it is.
   */
  static final long GROWTH_FLOOR_MICROS = 10_000;

  /** What p99 means: one inference in a hundred may be slower. */
  private static final double SLOW_SHARE_MAX = 0.01;

  private final GatePolicy.Health limits;

  HealthGate(GatePolicy.Health limits) {
    this.limits = limits;
  }

  /**
   * The worst verdict of all measures.
   *
   * @param health what was measured and what it is compared with
   */
  Verdict evaluate(ClassHealth health) {
    WaveHealth seen = health.observed();
    GatePolicy.Evidence demanded = limits.evidence();
    List<Verdict> verdicts = new ArrayList<>();
    // Accuracy does not wait for the other evidence: labels are rare and weigh more.
    verdicts.add(accuracy(seen.feedback(), health.baseline()));
    if (seen.inferences() < demanded.minInferences()) {
      verdicts.add(
          new Verdict.Inconclusive(
              "%d of %d inferences measured"
                  .formatted(seen.inferences(), demanded.minInferences())));
    } else {
      verdicts.add(errors(seen));
      verdicts.add(confidence(seen, health.baseline()));
      verdicts.add(latency(seen, health.baseline()));
    }
    return worst(verdicts);
  }

  private Verdict errors(WaveHealth seen) {
    String text =
        "%d of %d inferences failed (limit %s)"
            .formatted(seen.errors(), seen.inferences(), percent(limits.errorRateMax()));
    return beyond(seen.errors(), seen.inferences(), limits.errorRateMax(), text);
  }

  private Verdict accuracy(WaveHealth.Feedback feedback, Baseline baseline) {
    long demanded = limits.evidence().minFeedback();
    if (feedback.count() < demanded) {
      return limits.evidence().feedbackDemanded()
          ? new Verdict.Inconclusive(
              "%d of %d labelled inferences measured".formatted(feedback.count(), demanded))
          : new Verdict.Pass();
    }
    if (baseline.accuracy().isEmpty()) {
      return limits.evidence().feedbackDemanded()
          ? new Verdict.Inconclusive("no baseline accuracy to compare with")
          : new Verdict.Pass();
    }
    // Judged as the share of wrong answers, so that one rule serves errors and accuracy.
    double before = baseline.accuracy().getAsDouble();
    double wrongMax = Math.min(1, 1 - before + limits.accuracyDropMax());
    String text =
        "live accuracy %s on %d labelled inferences, baseline %s (limit %s below)"
            .formatted(
                percent((double) feedback.correct() / feedback.count()),
                feedback.count(),
                percent(before),
                percent(limits.accuracyDropMax()));
    return beyond(feedback.count() - feedback.correct(), feedback.count(), wrongMax, text);
  }

  private Verdict confidence(WaveHealth seen, Baseline baseline) {
    if (limits.confidenceDropMax().isEmpty()
        || baseline.meanConfidence().isEmpty()
        || seen.meanConfidence().isEmpty()) {
      return new Verdict.Pass();
    }
    double before = baseline.meanConfidence().getAsDouble();
    double after = seen.meanConfidence().getAsDouble();
    double limit = limits.confidenceDropMax().getAsDouble();
    // Written so that a mean that is not a number fails.
    return before - after <= limit
        ? new Verdict.Pass()
        : new Verdict.Fail(
            "mean confidence %s, baseline %s (limit %s below)"
                .formatted(percent(after), percent(before), percent(limit)));
  }

  private Verdict latency(WaveHealth seen, Baseline baseline) {
    LatencyHistogram latency = seen.latency();
    if (latency.total() < LATENCY_INFERENCES_MIN) {
      return new Verdict.Pass();
    }
    List<Verdict> verdicts = new ArrayList<>();
    baseline
        .latencyBudgetMicros()
        .ifPresent(budget -> verdicts.add(slow(latency, budget, "budget %d us".formatted(budget))));
    if (limits.latencyP99GrowthMax().isPresent() && baseline.latencyP99Micros().isPresent()) {
      long before = baseline.latencyP99Micros().getAsLong();
      long grown = Math.round(before * (1 + limits.latencyP99GrowthMax().getAsDouble()));
      verdicts.add(
          slow(
              latency,
              Math.max(grown, GROWTH_FLOOR_MICROS),
              "baseline p99 %d us".formatted(before)));
    }
    return worst(verdicts);
  }

  /**
   * Whether the 99th percentile is beyond a limit, judged as the share of inferences beyond it, so
   * that neither a coarse bucket nor a handful of slow first inferences decides.
   */
  private static Verdict slow(LatencyHistogram latency, long limitMicros, String compared) {
    long slow = latency.surelyAtLeast(limitMicros);
    String text =
        String.format(
            Locale.ROOT,
            "%d of %d inferences took %d us or longer (%s; 1 %% may)",
            slow,
            latency.total(),
            limitMicros,
            compared);
    return beyond(slow, latency.total(), SLOW_SHARE_MAX, text);
  }

  /** Fails on a share that is surely beyond its limit; inconclusive on one that merely looks so. */
  static Verdict beyond(long hits, long sample, double limit, String text) {
    if (Wilson.lower(hits, sample) > limit) {
      return new Verdict.Fail(text);
    }
    if (sample > 0 && (double) hits / sample > limit) {
      return new Verdict.Inconclusive(text + ", not yet beyond doubt");
    }
    return new Verdict.Pass();
  }

  /** The first failure, else the first inconclusive one, else a pass. */
  static Verdict worst(List<Verdict> verdicts) {
    Verdict worst = new Verdict.Pass();
    for (Verdict verdict : verdicts) {
      if (verdict instanceof Verdict.Fail) {
        return verdict;
      }
      if (worst instanceof Verdict.Pass) {
        worst = verdict;
      }
    }
    return worst;
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", share * 100);
  }
}
