package io.stillhouse.lab.tailor;

import io.stillhouse.model.Precision;
import java.util.ArrayList;
import java.util.List;

/** The students that tailoring chooses from: every combination of width, prune ratio, precision. */
public record CandidateSpace(
    String network, List<Double> widths, List<Double> pruneRatios, List<Precision> precisions) {
  /** Channels that pruning leaves are a multiple of this, which kernels work in. */
  static final int ROUND_TO = 8;

  /** Most candidates that are costed for one request. */
  public static final int CANDIDATES_MAX = 512;

  public CandidateSpace {
    widths = List.copyOf(widths);
    pruneRatios = List.copyOf(pruneRatios);
    precisions = List.copyOf(precisions);
    int size = widths.size() * pruneRatios.size() * precisions.size();
    if (size < 1 || size > CANDIDATES_MAX) {
      throw new IllegalArgumentException(
          "candidates: %d (expected: 1 to %d)".formatted(size, CANDIDATES_MAX));
    }
  }

  /** What is used unless told otherwise. */
  public static CandidateSpace standard() {
    return new CandidateSpace(
        "separable_small",
        List.of(1.0, 0.75, 0.5, 0.25),
        List.of(0.0, 0.4),
        List.of(Precision.FP32, Precision.INT8));
  }

  public List<Candidate> candidates() {
    List<Candidate> candidates = new ArrayList<>();
    for (double width : widths) {
      for (double ratio : pruneRatios) {
        for (Precision precision : precisions) {
          candidates.add(new Candidate(network, width, ratio, precision));
        }
      }
    }
    return candidates;
  }
}
