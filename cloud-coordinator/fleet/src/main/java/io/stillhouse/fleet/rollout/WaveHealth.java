package io.stillhouse.fleet.rollout;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What one hardware class of one wave has measured since the wave opened, as its devices report it.
 *
 * @param errors inferences that failed or gave non-finite outputs
 * @param latency of the inferences that answered
 * @param meanConfidence mean probability of the chosen class; empty before the first inference
 */
public record WaveHealth(
    long inferences,
    long errors,
    Feedback feedback,
    LatencyHistogram latency,
    OptionalDouble meanConfidence) {
  /** Nothing was measured. */
  public static final WaveHealth NONE =
      new WaveHealth(0, 0, new Feedback(0, 0), LatencyHistogram.NONE, OptionalDouble.empty());

  public WaveHealth {
    if (errors < 0 || errors > inferences) {
      throw new IllegalArgumentException(
          "errors %d of %d inferences (expected: 0 <= errors <= inferences)"
              .formatted(errors, inferences));
    }
  }

  /** An upper estimate of the 99th percentile; empty before the first inference. */
  public OptionalLong latencyP99Micros() {
    return latency.quantileMicros(0.99);
  }

  /** Inferences whose true label came back, and how many of them were right. */
  public record Feedback(long count, long correct) {
    public Feedback {
      if (correct < 0 || correct > count) {
        throw new IllegalArgumentException(
            "correct %d of %d (expected: 0 <= correct <= count)".formatted(correct, count));
      }
    }
  }
}
