package io.stillhouse.agent.inference;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What was counted over a span of inferences. A snapshot: consistent in itself, and differences of
 * two snapshots of one tenure are again exact.
 *
 * @param counts how many inferences came to what
 * @param latency of answered inferences
 * @param confidence of answered inferences
 * @param classCounts answered inferences by predicted class
 * @param feedback answered inferences whose true class the caller knew
 */
public record LiveStats(
    Counts counts,
    LatencyHistogram latency,
    Confidence confidence,
    List<Long> classCounts,
    Feedback feedback) {

  public LiveStats {
    classCounts = List.copyOf(classCounts);
  }

  /**
   * Inferences that reached the model, and those of them that failed.
   *
   * @param inferences answered and failed ones
   * @param errors failed ones: runtime errors, timeouts and non-finite outputs
   * @param nonFinite those of the errors that were non-finite outputs
   * @param timeouts those of the errors that ran out of time
   * @param busy turned away because too many ran already; not part of {@code inferences}
   */
  public record Counts(long inferences, long errors, long nonFinite, long timeouts, long busy) {
    static final Counts NONE = new Counts(0, 0, 0, 0, 0);

    /** The counts of both together. */
    public Counts plus(Counts other) {
      return new Counts(
          inferences + other.inferences,
          errors + other.errors,
          nonFinite + other.nonFinite,
          timeouts + other.timeouts,
          busy + other.busy);
    }

    Counts minus(Counts earlier) {
      return new Counts(
          inferences - earlier.inferences,
          errors - earlier.errors,
          nonFinite - earlier.nonFinite,
          timeouts - earlier.timeouts,
          busy - earlier.busy);
    }
  }

  /** Sums over the soft-max probability of the predicted class. */
  public record Confidence(double sum, double squareSum) {}

  /** How often the caller knew the true class, and how often the model had named it. */
  public record Feedback(long count, long correct) {}

  /** Nothing counted, for a model of {@code classes} classes. */
  public static LiveStats none(int classes) {
    return new LiveStats(
        Counts.NONE,
        new LatencyHistogram(Collections.nCopies(LatencyHistogram.BUCKETS, 0L)),
        new Confidence(0, 0),
        Collections.nCopies(classes, 0L),
        new Feedback(0, 0));
  }

  /** What was counted between an earlier snapshot of the same tenure and this one. */
  public LiveStats minus(LiveStats earlier) {
    return new LiveStats(
        counts.minus(earlier.counts),
        new LatencyHistogram(difference(latency.counts(), earlier.latency.counts())),
        new Confidence(
            confidence.sum - earlier.confidence.sum,
            confidence.squareSum - earlier.confidence.squareSum),
        difference(classCounts, earlier.classCounts),
        new Feedback(
            feedback.count - earlier.feedback.count, feedback.correct - earlier.feedback.correct));
  }

  private static List<Long> difference(List<Long> later, List<Long> earlier) {
    List<Long> result = new ArrayList<>(later.size());
    for (int i = 0; i < later.size(); i++) {
      result.add(later.get(i) - earlier.get(i));
    }
    return result;
  }
}
