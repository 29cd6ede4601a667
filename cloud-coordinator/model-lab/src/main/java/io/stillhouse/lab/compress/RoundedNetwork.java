package io.stillhouse.lab.compress;

import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network prepared for rounding, and the ranges that its results are rounded in: what becomes an
 * 8-bit file, and what trains as that file computes.
 */
record RoundedNetwork(Network network, ActivationRanges ranges) {

  /** What is done to the network before ranges are looked for. */
  record Repair(boolean equalise, boolean correctBias) {
    static final Repair NONE = new Repair(false, false);

    static Repair of(Quantize step) {
      // Equalisation comes before training with rounding, and must not follow it.
      return step.mode().trains()
          ? NONE
          : new Repair(step.repairs().equalise(), step.repairs().correctBias());
    }
  }

  static RoundedNetwork of(
      Network network, Calibration calibration, List<float[]> images, Repair repair) {
    Network prepared = TrainingMarks.without(network);
    if (repair.equalise() || repair.correctBias()) {
      prepared = BatchNormFolding.fold(prepared);
      prepared = repair.equalise() ? CrossLayerEqualisation.equalise(prepared) : prepared;
      prepared = repair.correctBias() ? BiasCorrection.correct(prepared, images) : prepared;
    }
    return new RoundedNetwork(prepared, Calibrator.calibrate(prepared, images, calibration));
  }

  /** A network that rounds in training as the file does. */
  Network simulated() {
    return marked(OnnxExporter.integerForm(network), ranges, TrainingMarks.RANGE);
  }

  byte[] onnx() {
    return onnx(Set.of());
  }

  /** With these layers in float32. */
  byte[] onnx(Set<String> floats) {
    return OnnxExporter.int8(network, ranges, floats);
  }

  /** Ranges as training left them: those that it held, and those that it was allowed to move. */
  static ActivationRanges rangesOfTraining(Network trained) {
    Map<String, ActivationRanges.Range> byNode = new LinkedHashMap<>();
    for (Node node : trained.graph().nodes()) {
      for (String kind : List.of(TrainingMarks.RANGE, TrainingMarks.BOUNDS)) {
        if (trained.weights().has(node.name() + kind)) {
          float[] ends = trained.weights().values(node.name() + kind);
          byNode.put(node.name(), ActivationRanges.Range.covering(ends[0], ends[1]));
        }
      }
    }
    return new ActivationRanges(byNode);
  }

  /**
   * A folded network with a mark for each range.
   *
   * @param mark whether training holds the ranges or moves them ({@link TrainingMarks})
   */
  static Network marked(Network folded, ActivationRanges ranges, String mark) {
    Weights.Builder weights = folded.weights().toBuilder();
    // In the order of the graph, because it reaches digests of checkpoints.
    folded
        .graph()
        .nodes()
        .forEach(
            node -> {
              ActivationRanges.Range range = ranges.byNode().get(node.name());
              if (range == null) {
                return;
              }
              // The file gives it the whole of [0, 1], whatever was observed.
              boolean whole =
                  node.layer() instanceof Layer.Activation activation
                      && activation.function() == Layer.Activation.Function.HARD_SIGMOID;
              weights.put(
                  node.name() + (whole ? TrainingMarks.RANGE : mark),
                  whole ? new float[] {0, 1} : new float[] {range.low(), range.high()},
                  2);
            });
    return new Network(folded.graph(), weights.build());
  }
}
