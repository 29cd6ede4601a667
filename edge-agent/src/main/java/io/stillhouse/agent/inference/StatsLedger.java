package io.stillhouse.agent.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The running counts of one tenure. Thread-safe; one short lock per inference keeps every snapshot
 * consistent in itself, which independent atomic counters would not.
 */
final class StatsLedger {
  private static final long NANOS_PER_MICRO = 1_000;

  private final long[] histogram = new long[LatencyHistogram.BUCKETS];
  private final long[] classCounts;
  private long answered;
  private long nonFinite;
  private long timeouts;
  private long runtimeErrors;
  private long busy;
  private double confidenceSum;
  private double confidenceSquareSum;
  private long feedbackCount;
  private long feedbackCorrect;

  StatsLedger(int classes) {
    this.classCounts = new long[classes];
  }

  synchronized void answered(
      int label, double confidence, long latencyNanos, OptionalInt expectedLabel) {
    answered++;
    histogram[LatencyHistogram.bucketOf(latencyNanos / NANOS_PER_MICRO)]++;
    classCounts[label]++;
    confidenceSum += confidence;
    confidenceSquareSum += confidence * confidence;
    if (expectedLabel.isPresent()) {
      feedbackCount++;
      feedbackCorrect += expectedLabel.getAsInt() == label ? 1 : 0;
    }
  }

  synchronized void nonFinite() {
    nonFinite++;
  }

  synchronized void timeout() {
    timeouts++;
  }

  synchronized void runtimeError() {
    runtimeErrors++;
  }

  synchronized void busy() {
    busy++;
  }

  synchronized LiveStats snapshot() {
    long errors = nonFinite + timeouts + runtimeErrors;
    return new LiveStats(
        new LiveStats.Counts(answered + errors, errors, nonFinite, timeouts, busy),
        new LatencyHistogram(boxed(histogram)),
        new LiveStats.Confidence(confidenceSum, confidenceSquareSum),
        boxed(classCounts),
        new LiveStats.Feedback(feedbackCount, feedbackCorrect));
  }

  private static List<Long> boxed(long[] values) {
    List<Long> list = new ArrayList<>(values.length);
    for (long value : values) {
      list.add(value);
    }
    return list;
  }
}
