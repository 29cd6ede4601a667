package io.stillhouse.lab.tailor;

import io.stillhouse.lab.compress.ChannelPruner;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import java.util.HashMap;
import java.util.Map;

/**
 * What a candidate would cost, known before anything is trained: which channels pruning removes
 * depends on weights, but how many does not, so an untrained twin has the same shape and the same
 * file size to the byte.
 *
 * @param graph of the twin as it is deployed: pruned, normalisation folded
 * @param cost of the twin as it is trained, so that params count gamma and beta
 * @param memoryBytes predicted growth of the process that loads and runs the model: {@value
 *     #FILE_COPIES} times the file (its bytes while it is read, and the weights in the kernels'
 *     layout), the activation peak, and {@link #RUNTIME_BYTES}
 */
public record Estimate(
    Candidate candidate, NetworkGraph graph, NetworkCost cost, long fileBytes, long memoryBytes) {
  static final int FILE_COPIES = 2;

  /** Resident size of ONNX Runtime's library and heap with a small model, measured on x86-64. */
  public static final long RUNTIME_BYTES = 32L << 20;

  static Estimate of(Candidate candidate, ImageShape input, int classes) {
    NetworkGraph whole =
        NetworkCatalog.build(candidate.network(), input, classes, candidate.width());
    Network twin = RandomWeights.of(whole, 0);
    if (candidate.pruneRatio() > 0) {
      twin = ChannelPruner.prune(twin, candidate.pruneRatio(), CandidateSpace.ROUND_TO);
    }
    Network folded = BatchNormFolding.fold(twin);
    NetworkCost cost = NetworkCost.of(twin.graph(), candidate.precision());
    long file =
        candidate.precision() == Precision.INT8
            ? OnnxExporter.int8(folded, anyRanges(folded)).length
            : OnnxExporter.fp32(folded).length;
    long memory = FILE_COPIES * file + cost.activationPeakBytes() + RUNTIME_BYTES;
    return new Estimate(candidate, folded.graph(), cost, file, memory);
  }

  /** True when rounding takes back all that pruning would remove, which the step then refuses. */
  boolean prunesNothing() {
    return candidate.pruneRatio() > 0
        && cost.params()
            == NetworkCost.of(
                    NetworkCatalog.build(
                        candidate.network(), graph.input(), graph.classes(), candidate.width()))
                .params();
  }

  private static ActivationRanges anyRanges(Network network) {
    Map<String, Range> ranges = new HashMap<>();
    ranges.put(network.graph().nodes().get(0).name(), new Range(-1, 1));
    OnnxExporter.observedNodes(network).forEach(node -> ranges.put(node, new Range(0, 1)));
    return new ActivationRanges(ranges);
  }
}
