package io.stillhouse.server.telemetry;

import io.stillhouse.fleet.rollout.LatencyHistogram;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Sums of what devices measured. Adding is associative and commutative, so partitions, windows and
 * restarts may add in any order (up to the rounding of the confidence sum).
 *
 * @param latency counts by {@link LatencyHistogram} bucket
 * @param confidenceSum of the chosen classes' probabilities, over inferences without error
 * @param devices that were counted; distinct within a window, so over windows it is no sum of
 *     distinct devices
 * @param classCounts answers by class index
 * @param load of the boards that answered
 */
public record HealthCounts(
    long inferences,
    long errors,
    List<Long> latency,
    double confidenceSum,
    long devices,
    long feedbackCount,
    long feedbackCorrect,
    List<Long> classCounts,
    BoardLoad load) {
  /** Classes beyond this index are not counted by class. */
  public static final int CLASSES_MAX = 1_000;

  public static final HealthCounts NONE =
      new HealthCounts(0, 0, List.of(), 0, 0, 0, 0, List.of(), BoardLoad.NONE);

  /** One more device, and nothing that it measured. */
  static final HealthCounts ONE_DEVICE =
      new HealthCounts(0, 0, List.of(), 0, 1, 0, 0, List.of(), BoardLoad.NONE);

  public HealthCounts {
    latency = List.copyOf(latency);
    classCounts = List.copyOf(classCounts);
  }

  public HealthCounts plus(HealthCounts other) {
    return new HealthCounts(
        inferences + other.inferences,
        errors + other.errors,
        sum(latency, other.latency),
        confidenceSum + other.confidenceSum,
        devices + other.devices,
        feedbackCount + other.feedbackCount,
        feedbackCorrect + other.feedbackCorrect,
        sum(classCounts, other.classCounts),
        load.plus(other.load));
  }

  public OptionalLong latencyP50Micros() {
    return new LatencyHistogram(latency).quantileMicros(0.50);
  }

  public OptionalLong latencyP99Micros() {
    return new LatencyHistogram(latency).quantileMicros(0.99);
  }

  /** Share of right answers among those whose truth is known. */
  public OptionalDouble accuracy() {
    return feedbackCount == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) feedbackCorrect / feedbackCount);
  }

  public OptionalDouble meanConfidence() {
    long answered = inferences - errors;
    return answered <= 0 ? OptionalDouble.empty() : OptionalDouble.of(confidenceSum / answered);
  }

  private static List<Long> sum(List<Long> a, List<Long> b) {
    if (a.isEmpty() || b.isEmpty()) {
      return a.isEmpty() ? b : a;
    }
    List<Long> total = new ArrayList<>(Collections.nCopies(Math.max(a.size(), b.size()), 0L));
    for (int i = 0; i < total.size(); i++) {
      total.set(i, (i < a.size() ? a.get(i) : 0) + (i < b.size() ? b.get(i) : 0));
    }
    return total;
  }
}
