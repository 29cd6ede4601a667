package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.OnnxExporter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps the layers in float32 that 8 bits hurt most. How much one hurts is how far the logits go
 * from the float network's when it alone is in 8 bits, with what it reads; then 1, 2, 4, 8, ... of
 * the worst are kept until the accuracy holds.
 */
final class MixedPrecision {
  /** Largest share of the layers that may be kept; with more, little is left that is smaller. */
  static final double KEPT_MAX = 0.5;

  private static final int BITS = 8;

  private final Validation validation;
  private final List<float[]> reference;

  /**
   * Judges by these images.
   *
   * @param reference what the float network says to them
   */
  MixedPrecision(Validation validation, List<float[]> reference) {
    this.validation = validation;
    this.reference = reference;
  }

  /** A file with some layers in float32. */
  record Kept(Set<String> layers, StudentFolder.Onnx onnx, double accuracy) {
    Kept {
      layers = new LinkedHashSet<>(layers);
    }
  }

  /** Hears of every file that was tried. */
  interface Listener {
    void tried(Kept kept);
  }

  /** The file with the fewest float32 layers, in doubling steps, that is as accurate as asked. */
  Optional<Kept> search(
      RoundedNetwork attempt,
      SensitivityTable table,
      double bound,
      Listener listener,
      Progress progress) {
    List<String> worst = table.rows().stream().map(SensitivityTable.Row::layer).toList();
    int most = (int) (KEPT_MAX * worst.size());
    for (int count = 1; count <= most; count = Math.min(2 * count, Math.max(most, count + 1))) {
      requireGoingOn(progress);
      Set<String> layers = new LinkedHashSet<>(worst.subList(0, count));
      byte[] onnx = attempt.onnx(layers);
      double accuracy = validation.judged(onnx, reference).accuracy();
      Kept kept = new Kept(layers, new StudentFolder.Onnx(onnx), accuracy);
      listener.tried(kept);
      if (kept.accuracy() >= bound) {
        return Optional.of(kept);
      }
    }
    return Optional.empty();
  }

  /**
   * Accuracy with each layer alone in 8 bits, the one that hurts most first. Results that no layer
   * of its own makes, such as sums, are in 8 bits throughout, in the baseline too.
   */
  SensitivityTable sensitivity(RoundedNetwork attempt, Progress progress) {
    record Alone(String layer, Validation.Judged judged) {}
    List<String> layers = OnnxExporter.multipliers(attempt.network());
    List<Alone> trials = new ArrayList<>();
    for (String layer : layers) {
      requireGoingOn(progress);
      progress.report("quantize", (double) trials.size() / layers.size(), layer + " alone");
      Set<String> others = new LinkedHashSet<>(layers);
      others.remove(layer);
      trials.add(new Alone(layer, validation.judged(attempt.onnx(others), reference)));
    }
    double none = validation.accuracy(attempt.onnx(Set.copyOf(layers)));
    return new SensitivityTable(
        "int8",
        none,
        trials.stream()
            .sorted(Comparator.comparingDouble((Alone trial) -> -trial.judged().error()))
            .map(trial -> new SensitivityTable.Row(trial.layer(), BITS, trial.judged().accuracy()))
            .toList());
  }

  private static void requireGoingOn(Progress progress) {
    if (progress.cancelled()) {
      throw new CancelledException("quantize");
    }
  }
}
