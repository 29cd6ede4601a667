package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.graph.Shapes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A growing graph. Its methods take the name of the node they read and return the name of the node
 * they end in. Not thread-safe.
 */
final class GraphBuilder {
  static final String INPUT = "input";

  private final String network;
  private final ImageShape image;
  private final int classes;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, ImageShape> shapes = new LinkedHashMap<>();

  GraphBuilder(String network, ImageShape image, int classes) {
    this.network = network;
    this.image = image;
    this.classes = classes;
    nodes.add(new Node(INPUT, new Layer.Input(), List.of()));
    shapes.put(INPUT, image);
  }

  NetworkGraph build() {
    return new NetworkGraph(network, image, classes, nodes);
  }

  int classes() {
    return classes;
  }

  ImageShape image() {
    return image;
  }

  /** Shape of what a node gives. */
  ImageShape shape(String node) {
    ImageShape shape = shapes.get(node);
    if (shape == null) {
      throw new IllegalArgumentException("no node is named " + node);
    }
    return shape;
  }

  int channels(String node) {
    return shape(node).channels();
  }

  String add(String name, Layer layer, String... from) {
    List<String> inputs = List.of(from);
    try {
      shapes.put(name, Shapes.output(layer, inputs.stream().map(this::shape).toList()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "network %s, node %s: %s".formatted(network, name, e.getMessage()), e);
    }
    nodes.add(new Node(name, layer, inputs));
    return name;
  }

  /** Whether what was built last is a vector: a map of one pixel is none, it has other ranks. */
  boolean flattened() {
    return nodes.stream().anyMatch(node -> node.layer() instanceof Layer.Flatten);
  }

  /**
   * The convolution as it is for this image: where the image is a window of one row or one column,
   * kernels do not reach beyond it.
   */
  private Layer.Conv fitted(Layer.Conv conv) {
    boolean row = image.height() == 1;
    boolean column = image.width() == 1;
    return new Layer.Conv(
        conv.in(),
        conv.out(),
        row ? 1 : conv.kernelHeight(),
        column ? 1 : conv.kernelWidth(),
        conv.stride(),
        row ? 0 : conv.padHeight(),
        column ? 0 : conv.padWidth(),
        conv.groups(),
        conv.bias());
  }

  /** Convolution and batch normalisation; {@code prefix.conv}, {@code prefix.norm}. */
  String convNorm(String prefix, String from, Layer.Conv conv) {
    String made = add(prefix + ".conv", fitted(conv), from);
    return norm(prefix, made);
  }

  String norm(String prefix, String from) {
    return add(prefix + ".norm", Layer.BatchNorm.of(channels(from)), from);
  }

  String activation(String prefix, String from, Function function) {
    return add(prefix + ".act", new Activation(function), from);
  }

  String convNormAct(String prefix, String from, Layer.Conv conv, Function function) {
    return activation(prefix, convNorm(prefix, from, conv), function);
  }

  /** Pointwise convolution to {@code out} channels and batch normalisation. */
  String pointwise(String prefix, String from, int out) {
    return convNorm(prefix, from, Layer.Conv.of(channels(from), out, 1, 1, 1));
  }

  /** Depthwise convolution and batch normalisation. */
  String depthwise(String prefix, String from, int kernel, int stride) {
    int channels = channels(from);
    return convNorm(prefix, from, Layer.Conv.of(channels, channels, kernel, stride, channels));
  }

  /** A 1x1 convolution with bias and without normalisation. */
  String biasedPointwise(String name, String from, int out) {
    return add(name, new Layer.Conv(channels(from), out, 1, 1, 1, 0, 0, 1, true), from);
  }
}
