package io.stillhouse.fleet.rollout;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a hardware class could do before, which the new variant is compared with. What is empty is
 * not judged.
 *
 * @param accuracy live accuracy of the variant that ran before, else its evaluation's, else that of
 *     the new variant's own evaluation: a variant must at least live up to its own promise
 * @param meanConfidence of the variant that ran before, from telemetry
 * @param latencyP99Micros of the variant that ran before, from telemetry
 * @param latencyBudgetMicros what the application tolerates
 */
public record Baseline(
    OptionalDouble accuracy,
    OptionalDouble meanConfidence,
    OptionalLong latencyP99Micros,
    OptionalLong latencyBudgetMicros) {
  /** Nothing to compare with. */
  public static final Baseline NONE =
      new Baseline(
          OptionalDouble.empty(),
          OptionalDouble.empty(),
          OptionalLong.empty(),
          OptionalLong.empty());
}
