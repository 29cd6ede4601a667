package io.stillhouse.model.network;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;

/**
 * Appends blocks to a growing list of nodes; each method takes the name of the node it reads and
 * returns the name of the node it ends in. Not thread-safe.
 */
final class GraphBuilder {
  static final String INPUT = "input";
  private final List<Node> nodes = new ArrayList<>();

  GraphBuilder() {
    nodes.add(new Node(INPUT, new Layer.Input(), List.of()));
  }

  List<Node> nodes() {
    return List.copyOf(nodes);
  }

  String add(String name, Layer layer, String... from) {
    nodes.add(new Node(name, layer, List.of(from)));
    return name;
  }

  /** Convolution and batch normalisation; {@code prefix.conv}, {@code prefix.norm}. */
  String convNorm(String prefix, String from, Layer.Conv conv) {
    String made = add(prefix + ".conv", conv, from);
    return add(prefix + ".norm", Layer.BatchNorm.of(conv.out()), made);
  }

  String activation(String prefix, String from, Function function) {
    return add(prefix + ".act", new Activation(function), from);
  }

  String convNormAct(String prefix, String from, Layer.Conv conv, Function function) {
    return activation(prefix, convNorm(prefix, from, conv), function);
  }

  String residual(String prefix, String from, int in, int out, int stride) {
    String main =
        convNormAct(prefix + ".first", from, Layer.Conv.of(in, out, 3, stride, 1), Function.RELU);
    main = convNorm(prefix + ".second", main, Layer.Conv.of(out, out, 3, 1, 1));
    String shortcut =
        in == out && stride == 1
            ? from
            : convNorm(prefix + ".shortcut", from, Layer.Conv.of(in, out, 1, stride, 1));
    return activation(prefix, add(prefix + ".add", new Layer.Add(), main, shortcut), Function.RELU);
  }

  String separable(String prefix, String from, int in, int out, int stride, Function function) {
    String depthwise =
        convNormAct(prefix + ".dw", from, Layer.Conv.of(in, in, 3, stride, in), function);
    return convNormAct(prefix + ".pw", depthwise, Layer.Conv.of(in, out, 1, 1, 1), function);
  }

  /** Global average pooling, flatten and the classifier, which gives the logits. */
  String head(String from, int in, int classes) {
    String pooled = add("pool", new Layer.GlobalAveragePool(), from);
    String flat = add("flatten", new Layer.Flatten(), pooled);
    return add("classifier", new Layer.Linear(in, classes, true), flat);
  }
}
