package io.stillhouse.lab.evaluate;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stillhouse.lab.export.onnx.GraphProto;
import io.stillhouse.lab.export.onnx.ModelProto;
import io.stillhouse.lab.export.onnx.NodeProto;
import io.stillhouse.lab.export.onnx.TensorProto;
import io.stillhouse.lab.export.onnx.ValueInfoProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a bare ONNX file costs, for files that come without a model directory. Multiply-accumulates
 * need the shape of each convolution's result, so those results are made outputs and the file is
 * run once.
 *
 * @param params elements of the weights and biases of convolution and linear layers; normalisation
 *     that was folded into them counts as the bias that it became
 * @param macs multiply-accumulates of those layers for one image
 */
public record OnnxCost(long params, long macs) {

  /** Reads and runs the file once. */
  public static OnnxCost of(byte[] onnx) {
    ModelProto model = parse(onnx);
    GraphProto graph = model.getGraph();
    Map<String, TensorProto> tensors = new HashMap<>();
    graph.getInitializerList().forEach(t -> tensors.put(t.getName(), t));
    // A dequantized weight stands for the whole one behind it.
    for (NodeProto node : graph.getNodeList()) {
      TensorProto whole = node.getInputCount() > 0 ? tensors.get(node.getInput(0)) : null;
      if (node.getOpType().equals("DequantizeLinear") && whole != null) {
        tensors.put(node.getOutput(0), whole);
      }
    }
    List<NodeProto> layers =
        graph.getNodeList().stream()
            .filter(n -> n.getOpType().equals("Conv") || n.getOpType().equals("Gemm"))
            .filter(n -> n.getInputCount() > 1)
            .toList();
    Map<String, Integer> results = results(model, layers, tensors);
    long params = 0;
    long macs = 0;
    for (NodeProto layer : layers) {
      long weight = results.getOrDefault(layer.getInput(1), 0);
      weight = weight > 0 ? weight : elements(tensors.get(layer.getInput(1)));
      long bias = layer.getInputCount() > 2 ? elements(tensors.get(layer.getInput(2))) : 0;
      params += weight + bias;
      // Each element of the result takes one pass over its channel's share of the weight.
      macs += results.getOrDefault(layer.getOutput(0), 0) * (weight / channels(layer, tensors));
    }
    return new OnnxCost(params, macs);
  }

  /** Output channels: rows of the weight, or, where that is computed on loading, of the bias. */
  private static long channels(NodeProto layer, Map<String, TensorProto> tensors) {
    TensorProto rows = tensors.get(layer.getInput(1));
    if (rows == null && layer.getInputCount() > 2) {
      rows = tensors.get(layer.getInput(2));
    }
    return rows == null ? 1 : rows.getDims(0);
  }

  /** True of a file that quantizes activations. */
  static boolean quantized(byte[] onnx) {
    return parse(onnx).getGraph().getNodeList().stream()
        .anyMatch(node -> node.getOpType().equals("QuantizeLinear"));
  }

  private static ModelProto parse(byte[] onnx) {
    try {
      return ModelProto.parseFrom(onnx);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelRefusedException("the file is not an ONNX model", e);
    }
  }

  /** Elements of each layer's result, and of weights that the file computes on loading. */
  private static Map<String, Integer> results(
      ModelProto model, List<NodeProto> layers, Map<String, TensorProto> tensors) {
    ModelProto.Builder observed = model.toBuilder();
    List<String> known =
        model.getGraph().getOutputList().stream().map(ValueInfoProto::getName).toList();
    for (NodeProto layer : layers) {
      if (!known.contains(layer.getOutput(0))) {
        observed
            .getGraphBuilder()
            .addOutput(ValueInfoProto.newBuilder().setName(layer.getOutput(0)));
      }
      if (!tensors.containsKey(layer.getInput(1))) {
        observed
            .getGraphBuilder()
            .addOutput(ValueInfoProto.newBuilder().setName(layer.getInput(1)));
      }
    }
    try (OrtModel runnable = OrtModel.open(observed.build().toByteArray())) {
      Map<String, Integer> elements = new HashMap<>();
      runnable
          .runAll(new float[runnable.inputElements()])
          .forEach((name, values) -> elements.put(name, values.length));
      return elements;
    }
  }

  private static long elements(@Nullable TensorProto tensor) {
    return tensor == null
        ? 0
        : tensor.getDimsList().stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
  }
}
