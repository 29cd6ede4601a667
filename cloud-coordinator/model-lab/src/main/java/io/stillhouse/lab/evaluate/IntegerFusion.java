package io.stillhouse.lab.evaluate;

import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.NodeProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the runtime made of an 8-bit file. A quantize-dequantize pair in the wrong place leaves a
 * layer in float32, which is slower than not quantizing at all and shows in no result; so the
 * optimized graph is dumped and its operators are counted.
 */
public final class IntegerFusion {
  /** Operators that compute in float32 and have an integer form; none may be left. */
  private static final Set<String> FLOAT_OPS =
      Set.of(
          "Conv",
          "FusedConv",
          "Clip",
          "Relu",
          "Add",
          "Mul",
          "Gemm",
          "FusedGemm",
          "MatMul",
          "GlobalAveragePool",
          "AveragePool",
          "Concat",
          "Sigmoid",
          "HardSigmoid",
          "HardSwish",
          "BatchNormalization");

  private IntegerFusion() {}

  /**
   * What became of a file.
   *
   * @param operators of the optimized graph with how often each occurs, domain first unless
   *     standard
   * @param leftovers nodes left in float32, as {@code op name}
   */
  public record Report(Map<String, Integer> operators, List<String> leftovers) {
    public Report {
      operators = Collections.unmodifiableMap(new TreeMap<>(operators));
      leftovers = List.copyOf(leftovers);
    }

    /** Whether every layer that multiplies, adds or bends values does so in integers. */
    public boolean complete() {
      return leftovers.isEmpty();
    }

    /** Changes of scale inside the network, each a pass over a map; the image's is not counted. */
    public int rescalings() {
      return Math.max(0, operators.getOrDefault("QuantizeLinear", 0) - 1);
    }

    /** One line for people. */
    public String summary() {
      return complete()
          ? "all layers run in integers, %d rescalings".formatted(rescalings())
          : "left in float32: %s".formatted(String.join(", ", leftovers));
    }
  }

  /** Optimizes the file as a device would and reads the result. */
  public static Report report(byte[] onnx, Path scratch) throws IOException {
    List<NodeProto> nodes = optimized(onnx, scratch);
    return new Report(operators(nodes), leftovers(nodes));
  }

  /** Operators of the optimized graph with how often each occurs, domain first unless standard. */
  public static Map<String, Integer> operators(byte[] onnx, Path scratch) throws IOException {
    return operators(optimized(onnx, scratch));
  }

  private static Map<String, Integer> operators(List<NodeProto> nodes) {
    Map<String, Integer> counts = new TreeMap<>();
    for (NodeProto node : nodes) {
      String domain = node.getDomain().isEmpty() ? "" : node.getDomain() + ".";
      counts.merge(domain + node.getOpType(), 1, Integer::sum);
    }
    return counts;
  }

  /** The nodes left in float32, as {@code op name}; empty when the file runs in integers. */
  public static List<String> leftovers(byte[] onnx, Path scratch) throws IOException {
    return leftovers(optimized(onnx, scratch));
  }

  private static List<String> leftovers(List<NodeProto> nodes) {
    return nodes.stream()
        .filter(node -> FLOAT_OPS.contains(node.getOpType()))
        .map(node -> node.getOpType() + " " + node.getName())
        .toList();
  }

  private static List<NodeProto> optimized(byte[] onnx, Path scratch) throws IOException {
    Path dump = Files.createTempFile(scratch, "optimized", ".onnx");
    try {
      OrtModel.optimize(onnx, dump);
      return ModelProto.parseFrom(Files.readAllBytes(dump)).getGraph().getNodeList();
    } finally {
      Files.deleteIfExists(dump);
    }
  }
}
