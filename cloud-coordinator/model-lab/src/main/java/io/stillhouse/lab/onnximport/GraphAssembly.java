package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.onnximport.FeatureMap.Form;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.graph.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The graph and the weights as far as the file has been read. Not thread-safe. */
final class GraphAssembly {
  private final ImageShape input;
  private final Map<String, Node> nodes = new LinkedHashMap<>();
  private final Map<String, ImageShape> shapes = new HashMap<>();
  private final Weights.Builder weights = Weights.builder();

  /** Names that the exporter needs for itself. */
  private final Set<String> taken = new HashSet<>(Set.of(OnnxExporter.INPUT, OnnxExporter.OUTPUT));

  GraphAssembly(ImageShape input) {
    this.input = input;
    nodes.put("image", new Node("image", new Layer.Input(), List.of()));
    shapes.put("image", input);
    taken.add("image");
  }

  FeatureMap image() {
    return new FeatureMap("image", input, FeatureMap.WHOLE);
  }

  /** Appends a layer named after the tensor that the file gives its result. */
  FeatureMap add(String tensor, Layer layer, FeatureMap... inputs) {
    ImageShape shape = Shapes.output(layer, Arrays.stream(inputs).map(FeatureMap::shape).toList());
    String name = free(tensor);
    nodes.put(name, new Node(name, layer, Arrays.stream(inputs).map(FeatureMap::node).toList()));
    shapes.put(name, shape);
    boolean flat =
        layer instanceof Layer.Flatten
            || layer instanceof Layer.Linear
            || (shape.height() * shape.width() == 1
                && !(layer instanceof Layer.Conv)
                && Arrays.stream(inputs).allMatch(i -> i.form() instanceof Form.Flat));
    return new FeatureMap(name, shape, flat ? FeatureMap.FLAT : FeatureMap.WHOLE);
  }

  /** A weight of the node, e.g. {@code .bias}. */
  void weigh(FeatureMap of, String suffix, float[] values, int... dims) {
    if (!Weights.finite(values)) {
      throw new IllegalArgumentException(
          "the weights of %s hold a value that is not a finite number".formatted(of.node()));
    }
    weights.put(of.node() + suffix, values, dims);
  }

  Layer layer(FeatureMap of) {
    return node(of).layer();
  }

  private Node node(FeatureMap of) {
    Node node = nodes.get(of.node());
    if (node == null) {
      throw new AssertionError("no node " + of.node());
    }
    return node;
  }

  /** The node that a one-input node reads. */
  Optional<String> reads(FeatureMap of) {
    List<String> inputs = node(of).inputs();
    return inputs.size() == 1 ? Optional.of(inputs.get(0)) : Optional.empty();
  }

  /** Gives a convolution or linear layer that has none a bias. */
  boolean bias(FeatureMap of, float[] values) {
    Layer biased;
    if (layer(of) instanceof Layer.Linear linear && !linear.bias()) {
      biased = new Layer.Linear(linear.in(), linear.out(), true);
    } else if (layer(of) instanceof Layer.Conv c && !c.bias()) {
      biased = c.withBias(true);
    } else {
      return false;
    }
    nodes.put(of.node(), new Node(of.node(), biased, node(of).inputs()));
    weigh(of, ".bias", values, values.length);
    return true;
  }

  private String free(String tensor) {
    // Names of nodes are [a-z][a-z0-9_.]*.
    String plain =
        tensor.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_.]+", "_").replaceAll("^[_.]+", "");
    String base = plain.isEmpty() || Character.isDigit(plain.charAt(0)) ? "node" + plain : plain;
    String name = base;
    for (int i = 2; !taken.add(name); i++) {
      name = base + "_" + i;
    }
    return name;
  }

  /** The network that ends in a result; what it does not depend on is left out. */
  Network network(String name, FeatureMap output) {
    FeatureMap logits =
        output.form() instanceof Form.Whole
            ? add("logits_flat", new Layer.Flatten(), output)
            : output;
    Set<String> needed = new HashSet<>();
    List<String> open = new ArrayList<>(List.of(logits.node()));
    while (!open.isEmpty()) {
      String next = open.remove(open.size() - 1);
      Node node = nodes.get(next);
      if (node != null && needed.add(next)) {
        open.addAll(node.inputs());
      }
    }
    List<Node> kept = nodes.values().stream().filter(n -> needed.contains(n.name())).toList();
    Weights all = weights.build();
    Weights.Builder used = Weights.builder();
    for (String weight : all.names()) {
      if (needed.contains(weight.substring(0, weight.lastIndexOf('.')))) {
        used.put(weight, all.values(weight), all.shape(weight));
      }
    }
    return new Network(
        new NetworkGraph(name, input, logits.shape().channels(), kept), used.build());
  }
}
