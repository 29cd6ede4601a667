package io.stillhouse.lab.export;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which results of a folded network are quantized: all but those that a ReLU or ReLU6 directly and
 * alone follows (both fuse into one integer layer), those of nodes that only move values, those
 * that only layers kept in float32 read, and the logits, which stay float32.
 */
final class QuantizationPoints {
  private final Set<String> quantized = new HashSet<>();
  private final Set<String> floats;
  private final String output;

  /** With every layer in 8 bits. */
  QuantizationPoints(NetworkGraph graph) {
    this(graph, Set.of());
  }

  /**
   * With some layers in float32.
   *
   * @param floats names of convolutions and linear layers
   */
  QuantizationPoints(NetworkGraph graph, Set<String> floats) {
    this.floats = Set.copyOf(floats);
    output = graph.output().name();
    var consumers = graph.consumers();
    for (Node node : graph.nodes()) {
      List<Node> readers = consumers.getOrDefault(node.name(), List.of());
      boolean fusedAhead = readers.size() == 1 && clamps(readers.get(0).layer());
      boolean wanted = readers.stream().anyMatch(reader -> !floats.contains(reader.name()));
      if (wanted && !fusedAhead && !isOutput(node) && !node.layer().movesValues()) {
        quantized.add(node.name());
      }
    }
  }

  boolean quantizes(Node node) {
    return quantized.contains(node.name());
  }

  /** Whether a convolution or linear layer reads, multiplies and gives float32. */
  boolean keepsFloat(Node node) {
    return floats.contains(node.name());
  }

  boolean isOutput(Node node) {
    return node.name().equals(output);
  }

  private static boolean clamps(Layer layer) {
    return layer instanceof Activation activation
        && (activation.function() == Function.RELU || activation.function() == Function.RELU6);
  }
}
