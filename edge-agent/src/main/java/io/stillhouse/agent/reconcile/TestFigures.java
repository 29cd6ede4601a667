package io.stillhouse.agent.reconcile;

/**
 * What a self-test measured.
 *
 * @param maxAbsError largest distance of an output from the golden one
 * @param argmaxAgreement share of golden examples with the same arg-max, 0..1
 * @param latencyMicros of one inference
 * @param memoryBytes resident growth of the process that loaded and ran the model
 * @param failure one line; empty when it passed
 */
public record TestFigures(
    double maxAbsError,
    double argmaxAgreement,
    LatencyMicros latencyMicros,
    long memoryBytes,
    String failure) {
  /** Percentiles of one inference's latency. */
  public record LatencyMicros(long p50, long p99) {}

  public boolean passed() {
    return failure.isEmpty();
  }
}
