package io.stillhouse.lab.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.Digest;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Micro-models of one well-known layer each, with which a device measures how fast it is. Agents
 * ship them as resources, so the bytes are the same on every machine: random weights from fixed
 * seeds and fixed ranges, nothing calibrated.
 *
 * <p>The smallest {@code linear} one does next to nothing; its time is what a call costs at all.
 */
public final class ProbeModels {
  /** Name of the file that lists the others. */
  public static final String INDEX = "index.json";

  private static final long SEED = 1;
  private static final Range INPUT_RANGE = new Range(-4, 4);
  private static final Range RESULT_RANGE = new Range(0, 8);

  private ProbeModels() {}

  private record Shape(String kernel, ImageShape input, int out) {}

  private static final List<Shape> SHAPES =
      List.of(
          new Shape("conv3x3", new ImageShape(1, 28, 28), 16),
          new Shape("conv3x3", new ImageShape(16, 28, 28), 16),
          new Shape("conv3x3", new ImageShape(32, 14, 14), 32),
          new Shape("conv3x3", new ImageShape(48, 7, 7), 48),
          new Shape("depthwise3x3", new ImageShape(16, 28, 28), 16),
          new Shape("depthwise3x3", new ImageShape(32, 28, 28), 32),
          new Shape("depthwise3x3", new ImageShape(64, 14, 14), 64),
          new Shape("depthwise3x3", new ImageShape(128, 7, 7), 128),
          new Shape("pointwise", new ImageShape(16, 28, 28), 32),
          new Shape("pointwise", new ImageShape(32, 14, 14), 64),
          new Shape("pointwise", new ImageShape(64, 14, 14), 64),
          new Shape("pointwise", new ImageShape(128, 7, 7), 128),
          new Shape("linear", new ImageShape(16, 1, 1), 10),
          new Shape("linear", new ImageShape(128, 1, 1), 10),
          new Shape("linear", new ImageShape(256, 1, 1), 128));

  /** Makes all models and the index by file name, in the order of the index. */
  public static Map<String, byte[]> make() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    ObjectMapper json = new ObjectMapper();
    ArrayNode index = json.createArrayNode();
    for (Shape shape : SHAPES) {
      Network network = network(shape);
      for (Precision precision : List.of(Precision.FP32, Precision.INT8)) {
        byte[] bytes =
            precision == Precision.FP32
                ? OnnxExporter.fp32(network)
                : OnnxExporter.int8(network, ranges(network));
        NetworkCost cost = NetworkCost.of(network.graph(), precision);
        String name =
            "%s_%s_%d_%s.onnx"
                .formatted(
                    shape.kernel,
                    shape.input,
                    shape.out,
                    precision.name().toLowerCase(Locale.ROOT));
        files.put(name, bytes);
        ImageShape output = outputOf(network);
        index
            .addObject()
            .put("file", name)
            .put("kernel", shape.kernel)
            .put("precision", precision.name())
            .put("macs", cost.macs())
            .put("outputBytes", output.elements() * (precision == Precision.FP32 ? 4 : 1))
            .put("shape", shape.input + "->" + output)
            .put("sha256", Digest.of(bytes).sha256Hex());
      }
    }
    files.put(INDEX, pretty(json, index));
    return files;
  }

  /** Writes all files into {@code directory}, which is made if it is missing. */
  public static void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    for (Map.Entry<String, byte[]> file : make().entrySet()) {
      Files.write(directory.resolve(file.getKey()), file.getValue());
    }
  }

  /** Writes the files into the directory that the first argument names. */
  public static void main(String[] args) throws IOException {
    write(Path.of(args[0]));
  }

  private static Network network(Shape shape) {
    int in = shape.input.channels();
    List<Node> nodes = new ArrayList<>();
    nodes.add(new Node("input", new Layer.Input(), List.of()));
    if (shape.kernel.equals("linear")) {
      nodes.add(new Node("flatten", new Layer.Flatten(), List.of("input")));
      nodes.add(new Node("probe", new Layer.Linear(in, shape.out, true), List.of("flatten")));
      return RandomWeights.of(new NetworkGraph("linear", shape.input, shape.out, nodes), SEED);
    }
    int kernel = shape.kernel.equals("pointwise") ? 1 : 3;
    int groups = shape.kernel.equals("depthwise3x3") ? in : 1;
    nodes.add(new Node("probe", Layer.Conv.of(in, shape.out, kernel, 1, groups), List.of("input")));
    nodes.add(new Node("act", new Activation(Activation.Function.RELU), List.of("probe")));
    nodes.add(new Node("flatten", new Layer.Flatten(), List.of("act")));
    int logits = shape.out * shape.input.height() * shape.input.width();
    return RandomWeights.of(new NetworkGraph(shape.kernel, shape.input, logits, nodes), SEED);
  }

  private static ActivationRanges ranges(Network network) {
    Map<String, Range> ranges = new HashMap<>(Map.of("input", INPUT_RANGE));
    OnnxExporter.observedNodes(network).forEach(node -> ranges.put(node, RESULT_RANGE));
    return new ActivationRanges(ranges);
  }

  private static ImageShape outputOf(Network network) {
    return network
        .graph()
        .shapes()
        .getOrDefault("act", new ImageShape(network.graph().classes(), 1, 1));
  }

  private static byte[] pretty(ObjectMapper json, ArrayNode index) {
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    DefaultIndenter lines = new DefaultIndenter("  ", "\n");
    printer.indentArraysWith(lines);
    printer.indentObjectsWith(lines);
    try {
      return (json.writer(printer).writeValueAsString(index) + "\n")
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree of strings and numbers is always writable", e);
    }
  }
}
