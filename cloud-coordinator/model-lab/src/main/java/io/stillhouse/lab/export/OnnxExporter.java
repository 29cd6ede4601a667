package io.stillhouse.lab.export;

import io.stillhouse.lab.network.Network;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Networks as ONNX bytes: one float32 image {@value #INPUT} (1, channels, height, width) in,
 * float32 {@value #OUTPUT} (1, classes) out, opset 13. Batch normalisation is folded first. The
 * batch is 1, because that is what a device runs and what its runtime plans memory for.
 */
public final class OnnxExporter {
  /** Name of the image input. */
  public static final String INPUT = "input";

  /** Name of the logits output. */
  public static final String OUTPUT = "logits";

  private OnnxExporter() {}

  /** Float32. */
  public static byte[] fp32(Network network) {
    Network folded = BatchNormFolding.fold(network);
    OnnxFile file = new OnnxFile();
    interfaces(file, folded.graph());
    new Lowering(file, new FloatCoding(file), folded).lower();
    return file.toBytes();
  }

  /**
   * Float32 with every result of {@link #observedNodes} as a further output, named as its node:
   * what calibration runs.
   */
  public static byte[] observed(Network network) {
    return observed(network, observedNodes(network));
  }

  /** As {@link #observed(Network)}, with the results of these nodes of the folded network. */
  public static byte[] observed(Network network, List<String> nodes) {
    Network folded = integerForm(network);
    OnnxFile file = new OnnxFile();
    interfaces(file, folded.graph());
    Lowering lowering = new Lowering(file, new FloatCoding(file), folded);
    lowering.lower();
    for (String node : nodes) {
      // A node that only training needs has no tensor of its own, and the last has another name.
      if (!lowering.tensor(node).equals(node)) {
        file.node("Identity", node, List.of(lowering.tensor(node)));
      }
      file.output(node);
    }
    return file.toBytes();
  }

  /** Float32 arithmetic on weights that are stored in 16 bits, half the file. */
  public static byte[] fp16(Network network) {
    Network folded = BatchNormFolding.fold(network);
    OnnxFile file = new OnnxFile();
    interfaces(file, folded.graph());
    new Lowering(file, new HalfCoding(file), folded).lower();
    return file.toBytes();
  }

  /**
   * Float32 arithmetic on weights that are places in a palette. Weights of more than 256 different
   * values are written as they are; normalisation must have been folded in before the weights were
   * made few.
   */
  public static byte[] palette(Network network) {
    Network folded = BatchNormFolding.fold(network);
    OnnxFile file = new OnnxFile();
    interfaces(file, folded.graph());
    new Lowering(file, new PaletteCoding(file), folded).lower();
    return file.toBytes();
  }

  /** Nodes, beside the input, whose range {@link #int8} needs; in graph order. */
  public static List<String> observedNodes(Network network) {
    NetworkGraph graph = integerForm(network).graph();
    QuantizationPoints points = new QuantizationPoints(graph);
    return graph.nodes().stream()
        .filter(node -> points.quantizes(node) && !node.inputs().isEmpty())
        .map(Node::name)
        .toList();
  }

  /**
   * 8-bit, quantize-dequantize form.
   *
   * @param ranges of the nodes of {@link #observedNodes} and of the input node
   */
  public static byte[] int8(Network network, ActivationRanges ranges) {
    return int8(network, ranges, Set.of());
  }

  /**
   * As above, with some layers in float32. The layer in front of one gives it what it computed
   * before rounding, and so is computed in float32 by the runtime too, on weights of 8 bits.
   *
   * @param floats names of convolutions and linear layers, of {@link #multipliers}
   */
  public static byte[] int8(Network network, ActivationRanges ranges, Set<String> floats) {
    Network folded = integerForm(network);
    OnnxFile file = new OnnxFile();
    interfaces(file, folded.graph());
    QuantizationPoints points = new QuantizationPoints(folded.graph(), floats);
    new Lowering(file, new Int8Coding(file, ranges, points), folded).lower();
    return file.toBytes();
  }

  /** Layers that {@link #int8} can keep in float32: those that multiply; in graph order. */
  public static List<String> multipliers(Network network) {
    return integerForm(network).graph().nodes().stream()
        .filter(node -> node.layer() instanceof Layer.Conv || node.layer() instanceof Layer.Linear)
        .map(Node::name)
        .toList();
  }

  /** Writes a network with untrained weights, for speed and size measurements. */
  public static void exportRandom(NetworkGraph graph, long seed, Path out) throws IOException {
    Files.write(out, fp32(RandomWeights.of(graph, seed)));
  }

  /** The network that {@link #int8} writes: without normalisation that is not a convolution. */
  public static Network integerForm(Network network) {
    return NormAsConv.rewrite(BatchNormFolding.fold(network));
  }

  private static void interfaces(OnnxFile file, NetworkGraph graph) {
    ImageShape image = graph.input();
    file.input(INPUT, 1, image.channels(), image.height(), image.width());
    file.output(OUTPUT, 1, graph.classes());
  }
}
