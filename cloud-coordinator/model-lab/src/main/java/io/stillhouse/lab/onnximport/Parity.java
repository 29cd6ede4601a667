package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;

/** Whether an imported network answers what its file answers. */
public final class Parity {
  /** Probabilities that sum to one this nearly are a softmax. */
  private static final double SUM_TOLERANCE = 1e-3;

  private Parity() {}

  /**
   * The largest difference between two answers, as a share of the largest answer of the file. Empty
   * for a file that takes several images at once, which is not run here.
   *
   * @param images preprocessed
   */
  public static OptionalDouble difference(Path file, Network network, List<float[]> images) {
    double difference = 0;
    double largest = 0;
    try (OrtModel theirs = OrtModel.open(file);
        OrtModel ours = OrtModel.open(OnnxExporter.fp32(network))) {
      if (theirs.inputElements() != ours.inputElements()) {
        return OptionalDouble.empty();
      }
      for (float[] image : images) {
        float[] expected = theirs.run(image);
        float[] actual = ending(expected).apply(ours.run(image));
        for (int c = 0; c < actual.length; c++) {
          difference = Math.max(difference, Math.abs(expected[c] - actual[c]));
          largest = Math.max(largest, Math.abs(expected[c]));
        }
      }
    }
    return OptionalDouble.of(largest == 0 ? difference : difference / largest);
  }

  /** What the file does to its logits at the end, told by what comes out. */
  private static UnaryOperator<float[]> ending(float[] answer) {
    double sum = 0;
    double sumOfPowers = 0;
    boolean positive = true;
    for (float value : answer) {
      sum += value;
      sumOfPowers += Math.exp(value);
      positive &= value >= 0;
    }
    if (positive && Math.abs(sum - 1) < SUM_TOLERANCE) {
      return logits -> softmax(logits, false);
    }
    if (Math.abs(sumOfPowers - 1) < SUM_TOLERANCE) {
      return logits -> softmax(logits, true);
    }
    return logits -> logits;
  }

  private static float[] softmax(float[] logits, boolean logarithm) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    float[] shares = new float[logits.length];
    for (int i = 0; i < shares.length; i++) {
      double log = logits[i] - largest - Math.log(sum);
      shares[i] = (float) (logarithm ? log : Math.exp(log));
    }
    return shares;
  }
}
