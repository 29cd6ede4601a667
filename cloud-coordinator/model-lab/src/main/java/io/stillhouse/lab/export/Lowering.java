package io.stillhouse.lab.export;

import static io.stillhouse.lab.export.OnnxFile.attribute;
import static io.stillhouse.lab.export.OnnxFile.attributes;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Turns each node of a network into ONNX nodes, with numbers written by a {@link TensorCoding}. */
final class Lowering {
  private final OnnxFile file;
  private final TensorCoding coding;
  private final Weights weights;
  private final Network network;

  /** The tensor that stands for each node's result. */
  private final Map<String, String> tensorOf = new HashMap<>();

  Lowering(OnnxFile file, TensorCoding coding, Network network) {
    this.file = file;
    this.coding = coding;
    this.network = network;
    this.weights = network.weights();
  }

  /** Lowers all nodes; the logits get the name {@link OnnxExporter#OUTPUT}. */
  void lower() {
    Node last = network.graph().output();
    for (Node node : network.graph().nodes()) {
      String output = node.equals(last) ? OnnxExporter.OUTPUT : node.name();
      tensorOf.put(node.name(), lower(node, output));
    }
  }

  /** The tensor that stands for a lowered node's result. */
  String tensor(String node) {
    return Objects.requireNonNull(tensorOf.get(node), node);
  }

  private String lower(Node node, String output) {
    Layer layer = node.layer();
    if (layer instanceof Layer.Input) {
      return coding.result(node, OnnxExporter.INPUT);
    }
    if (layer instanceof Layer.Dropout) {
      return in(node);
    }
    if (layer instanceof Layer.ChannelPad pad) {
      return coding.padded(output, in(node), 0, pad.before(), 0, 0, 0, pad.after(), 0, 0);
    }
    if (layer instanceof Layer.Activation activation
        && activation.function() == Layer.Activation.Function.HARD_SIGMOID) {
      return coding.hardSigmoid(output, in(node));
    }
    if (layer.movesValues()) {
      return coding.moved(node, move(node, output), in(node));
    }
    return coding.result(node, compute(node, output));
  }

  private String compute(Node node, String output) {
    Layer layer = node.layer();
    if (layer instanceof Layer.Conv conv) {
      return conv(node, conv, output);
    }
    if (layer instanceof Layer.Linear linear) {
      String weight =
          coding.weight(node, weights.values(node.name() + ".weight"), linear.out(), linear.in());
      String read = coding.read(node, in(node));
      String bias = coding.bias(node, bias(node, linear.out()), read);
      return file.node("Gemm", output, List.of(read, weight, bias), attribute("transB", 1L));
    }
    if (layer instanceof Layer.BatchNorm norm) {
      return norm(node, norm, output);
    }
    if (layer instanceof Layer.Activation activation) {
      return activation(node, activation.function(), output);
    }
    if (layer instanceof Layer.Add) {
      return chain("Add", node, output);
    }
    if (layer instanceof Layer.Mul) {
      return chain("Mul", node, output);
    }
    if (layer instanceof Layer.Concat) {
      return file.node("Concat", output, ins(node), attribute("axis", 1L));
    }
    if (layer instanceof Layer.GlobalAveragePool) {
      return file.node("GlobalAveragePool", output, List.of(in(node)));
    }
    if (layer instanceof Layer.AveragePool pool) {
      return file.node(
          "AveragePool",
          output,
          List.of(in(node)),
          attributes("kernel_shape", pool.kernel(), pool.kernel()),
          attributes("strides", pool.stride(), pool.stride()),
          attributes("pads", pool.pad(), pool.pad(), pool.pad(), pool.pad()),
          attribute("count_include_pad", 1L));
    }
    throw new AssertionError("unreachable: " + layer);
  }

  private String move(Node node, String output) {
    Layer layer = node.layer();
    if (layer instanceof Layer.Flatten) {
      return file.node("Flatten", output, List.of(in(node)), attribute("axis", 1L));
    }
    if (layer instanceof Layer.MaxPool pool) {
      return file.node(
          "MaxPool",
          output,
          List.of(in(node)),
          attributes("kernel_shape", pool.kernel(), pool.kernel()),
          attributes("strides", pool.stride(), pool.stride()),
          attributes("pads", pool.pad(), pool.pad(), pool.pad(), pool.pad()),
          attribute("ceil_mode", pool.ceil() ? 1L : 0L));
    }
    if (layer instanceof Layer.ChannelSlice slice) {
      return file.node(
          "Slice",
          output,
          List.of(
              in(node),
              file.longs(output + "_from", slice.from()),
              file.longs(output + "_to", slice.to()),
              file.longs(output + "_axis", 1)));
    }
    if (layer instanceof Layer.ChannelShuffle shuffle) {
      return shuffle(node, shuffle, output);
    }
    throw new AssertionError("unreachable: " + layer);
  }

  private String conv(Node node, Layer.Conv conv, String output) {
    String weight =
        coding.weight(
            node,
            weights.values(node.name() + ".weight"),
            conv.out(),
            conv.in() / conv.groups(),
            conv.kernelHeight(),
            conv.kernelWidth());
    String read = coding.read(node, in(node));
    String bias = coding.bias(node, bias(node, conv.out()), read);
    return file.node(
        "Conv",
        output,
        List.of(read, weight, bias),
        attributes("kernel_shape", conv.kernelHeight(), conv.kernelWidth()),
        attributes("strides", conv.stride(), conv.stride()),
        attributes("pads", conv.padHeight(), conv.padWidth(), conv.padHeight(), conv.padWidth()),
        attributes("dilations", 1, 1),
        attribute("group", (long) conv.groups()));
  }

  private String norm(Node node, Layer.BatchNorm norm, String output) {
    List<String> inputs = new ArrayList<>(List.of(in(node)));
    for (String part : new String[] {".gamma", ".beta", ".mean", ".var"}) {
      String name = node.name() + part;
      inputs.add(file.floats(name, weights.values(name), norm.channels()));
    }
    return file.node(
        "BatchNormalization", output, inputs, attribute("epsilon", (float) norm.epsilon()));
  }

  private String activation(Node node, Layer.Activation.Function function, String output) {
    String x = in(node);
    return switch (function) {
      case RELU -> file.node("Relu", output, List.of(x));
      case RELU6 ->
          file.node(
              "Clip",
              output,
              List.of(
                  x,
                  file.floats(output + "_low", new float[] {0}),
                  file.floats(output + "_high", new float[] {6})));
      case SIGMOID -> file.node("Sigmoid", output, List.of(x));
      case HARD_SIGMOID -> coding.hardSigmoid(output, x);
      case SILU ->
          file.node(
              "Mul",
              output,
              List.of(x, coding.gate(node, file.node("Sigmoid", output + "_gate", List.of(x)))));
      case HARD_SWISH ->
          file.node("Mul", output, List.of(x, coding.hardSigmoid(output + "_gate", x)));
    };
  }

  private String shuffle(Node node, Layer.ChannelShuffle shuffle, String output) {
    ImageShape shape = network.graph().shapes().getOrDefault(node.name(), network.graph().input());
    int each = shape.channels() / shuffle.groups();
    long[] split = {1, shuffle.groups(), each, shape.height(), shape.width()};
    long[] whole = {1, shape.channels(), shape.height(), shape.width()};
    String apart =
        file.node(
            "Reshape",
            output + "_split",
            List.of(in(node), file.longs(output + "_split_shape", split)));
    String turned =
        file.node(
            "Transpose", output + "_turned", List.of(apart), attributes("perm", 0, 2, 1, 3, 4));
    return file.node("Reshape", output, List.of(turned, file.longs(output + "_shape", whole)));
  }

  /** Add and Mul take two inputs in ONNX; more are chained from the left. */
  private String chain(String op, Node node, String output) {
    List<String> inputs = ins(node);
    String sum = inputs.get(0);
    for (int i = 1; i < inputs.size(); i++) {
      String name = i == inputs.size() - 1 ? output : output + "_part" + i;
      sum = file.node(op, name, List.of(sum, inputs.get(i)));
    }
    return sum;
  }

  private float[] bias(Node node, int channels) {
    String name = node.name() + ".bias";
    return weights.has(name) ? weights.values(name) : new float[channels];
  }

  private String in(Node node) {
    return ins(node).get(0);
  }

  private List<String> ins(Node node) {
    return node.inputs().stream().map(name -> tensorOf.getOrDefault(name, name)).toList();
  }
}
