package io.stillhouse.lab.tailor;

import io.stillhouse.model.Precision;
import java.util.Locale;

/**
 * A student that could be made.
 *
 * @param network a name of the catalogue
 * @param width multiple of its channels
 * @param pruneRatio share of the channels removed after distillation; 0 for none
 */
public record Candidate(String network, double width, double pruneRatio, Precision precision) {
  public Candidate {
    if (!(width > 0) || !(pruneRatio >= 0 && pruneRatio < 1)) {
      throw new IllegalArgumentException(
          "candidate: width %s, pruneRatio %s (expected: width > 0, 0 <= pruneRatio < 1)"
              .formatted(width, pruneRatio));
    }
    if (precision == Precision.FP16) {
      throw new IllegalArgumentException("candidate: FP16 (expected: FP32 or INT8)");
    }
  }

  /** Names the student's directory: {@code separable_small-w100-p40-int8}. */
  public String key() {
    return floatKey() + "-" + precision.name().toLowerCase(Locale.ROOT);
  }

  /** Names the float network that both precisions are exported from. */
  String floatKey() {
    return "%s-p%02d".formatted(distilledKey(), Math.round(100 * pruneRatio));
  }

  /** Names the distilled network that all pruned ones start from. */
  String distilledKey() {
    return "%s-w%03d".formatted(network, Math.round(100 * width));
  }
}
