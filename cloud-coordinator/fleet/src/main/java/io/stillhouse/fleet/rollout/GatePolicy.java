package io.stillhouse.fleet.rollout;

import java.util.OptionalDouble;

/** The limits that a wave is judged by, read and checked once, never at decision time. */
public record GatePolicy(Outcomes outcomes, Health health) {
  /** Limits that suit a fleet of which nothing is known. */
  public static final GatePolicy DEFAULT =
      new GatePolicy(
          new Outcomes(0.10, 5, 0.90, 0.50, 0.95),
          new Health(
              0.02,
              0.05,
              OptionalDouble.of(0.25),
              OptionalDouble.of(1.5),
              new Evidence(30, 20, false)));

  /**
   * What became of the devices. Shares are 0..1.
   *
   * @param failureRateMax largest tolerated share of failed among attempted devices
   * @param minSample smallest number of attempted devices at which a rate may decide; a wave or a
   *     class with fewer devices decides when all of them have settled
   * @param passMin smallest share of succeeded among attempted devices
   * @param reachedMin share of the wave that must have acknowledged its offer
   * @param settledMin share of reached devices that must have settled
   */
  public record Outcomes(
      double failureRateMax, int minSample, double passMin, double reachedMin, double settledMin) {
    public Outcomes {
      share("failureRateMax", failureRateMax);
      share("passMin", passMin);
      share("reachedMin", reachedMin);
      share("settledMin", settledMin);
      if (minSample < 1) {
        throw new IllegalArgumentException("minSample: " + minSample + " (expected: >= 1)");
      }
    }
  }

  /**
   * What the live model does, per hardware class.
   *
   * @param errorRateMax largest tolerated share of inferences that fail
   * @param accuracyDropMax largest tolerated fall below the baseline accuracy, 0.05 = five points
   * @param confidenceDropMax largest tolerated fall of mean confidence; empty: not judged
   * @param latencyP99GrowthMax largest tolerated growth of p99 latency over the baseline, 1.0 = it
   *     may double; judged from 10 ms on, below which a busy board decides p99; empty: judged
   *     against the budget only
   */
  public record Health(
      double errorRateMax,
      double accuracyDropMax,
      OptionalDouble confidenceDropMax,
      OptionalDouble latencyP99GrowthMax,
      Evidence evidence) {
    public Health {
      share("errorRateMax", errorRateMax);
      share("accuracyDropMax", accuracyDropMax);
      confidenceDropMax.ifPresent(v -> share("confidenceDropMax", v));
      latencyP99GrowthMax.ifPresent(
          v -> {
            if (!(v >= 0)) {
              throw new IllegalArgumentException("latencyP99GrowthMax: " + v + " (expected: >= 0)");
            }
          });
    }
  }

  /**
   * How much must have been measured.
   *
   * @param minInferences inferences per class below which health is unknown; 0: no telemetry is
   *     demanded, and what arrives is judged from the first inference
   * @param minFeedback labelled inferences per class at which accuracy may decide
   * @param feedbackDemanded whether a class with less feedback than that is inconclusive
   */
  public record Evidence(long minInferences, long minFeedback, boolean feedbackDemanded) {
    public Evidence {
      if (minInferences < 0 || minFeedback < 1) {
        throw new IllegalArgumentException(
            "minInferences %d, minFeedback %d (expected: minInferences >= 0, minFeedback >= 1)"
                .formatted(minInferences, minFeedback));
      }
    }
  }

  private static void share(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: 0 <= " + name + " <= 1)");
    }
  }
}
