package io.stillhouse.model.redesign;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A convolution with the normalisation and the activation that alone follow it: what a strategy
 * rewrites as a whole. A rewritten unit ends in a node of the same name, so that what reads it
 * stays as it is.
 *
 * @param nodes convolution, then perhaps normalisation, then perhaps activation
 * @param input shape of the map that it reads
 * @param readsImage whether that map is the image
 */
record ConvUnit(List<Node> nodes, ImageShape input, boolean readsImage) {
  ConvUnit {
    nodes = List.copyOf(nodes);
  }

  Layer.Conv conv() {
    return (Layer.Conv) nodes.get(0).layer();
  }

  String from() {
    return nodes.get(0).inputs().get(0);
  }

  Node end() {
    return nodes.get(nodes.size() - 1);
  }

  /** Prefix of the names of new nodes. */
  String prefix() {
    String name = nodes.get(0).name();
    return name.endsWith(".conv") ? name.substring(0, name.length() - ".conv".length()) : name;
  }

  private Optional<Layer.BatchNorm> norm() {
    return nodes.stream()
        .map(Node::layer)
        .filter(Layer.BatchNorm.class::isInstance)
        .map(Layer.BatchNorm.class::cast)
        .findFirst();
  }

  private Optional<Function> function() {
    return end().layer() instanceof Layer.Activation activation
        ? Optional.of(activation.function())
        : Optional.empty();
  }

  /** This unit around another convolution that reads {@code from}; names stay. */
  List<Node> with(Layer.Conv conv, String from) {
    List<Node> made = new ArrayList<>();
    String last = from;
    for (Node node : nodes) {
      Layer layer = node.layer();
      if (layer instanceof Layer.Conv) {
        layer = conv;
      } else if (layer instanceof Layer.BatchNorm norm) {
        layer = new Layer.BatchNorm(conv.out(), norm.epsilon(), norm.momentum());
      }
      made.add(new Node(node.name(), layer, List.of(last)));
      last = node.name();
    }
    return made;
  }

  /**
   * A further unit in the manner of this one: normalised if this is, with its activation or with
   * ReLU, because two convolutions with nothing between them are one.
   */
  List<Node> further(String suffix, Layer.Conv conv, String from) {
    return further(suffix, conv, from, Optional.of(function().orElse(Function.RELU)));
  }

  /** A further unit with an activation only if this unit has one: what ends a rewriting. */
  List<Node> alike(String suffix, Layer.Conv conv, String from) {
    return further(suffix, conv, from, function());
  }

  private List<Node> further(
      String suffix, Layer.Conv conv, String from, Optional<Function> function) {
    List<Node> made = new ArrayList<>();
    String name = prefix() + suffix;
    made.add(new Node(name + ".conv", conv, List.of(from)));
    norm()
        .ifPresent(
            norm ->
                made.add(
                    new Node(
                        name + ".norm",
                        new Layer.BatchNorm(conv.out(), norm.epsilon(), norm.momentum()),
                        List.of(name + ".conv"))));
    function.ifPresent(
        f ->
            made.add(
                new Node(
                    name + ".act",
                    new Layer.Activation(f),
                    List.of(made.get(made.size() - 1).name()))));
    return made;
  }
}
