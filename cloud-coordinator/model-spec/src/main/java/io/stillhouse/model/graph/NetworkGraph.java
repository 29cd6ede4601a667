package io.stillhouse.model.graph;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network: nodes in topological order, the first an {@link Layer.Input}, the last the logits
 * (classes, 1, 1). Construction checks names, order and every shape, so that a graph that exists is
 * a graph that runs. Immutable.
 *
 * @param name the family it came from, e.g. {@code resnet8}
 * @param input shape of one image
 * @param classes number of logits
 */
public record NetworkGraph(String name, ImageShape input, int classes, List<Node> nodes) {
  public NetworkGraph {
    nodes = List.copyOf(nodes);
    Map<String, ImageShape> shapes = shapes(name, input, nodes);
    ImageShape logits = shapes.get(nodes.get(nodes.size() - 1).name());
    if (!new ImageShape(classes, 1, 1).equals(logits)) {
      throw new IllegalArgumentException(
          "network %s: last node gives %s (expected: %dx1x1 logits)"
              .formatted(name, logits, classes));
    }
  }

  /** Output shape of every node, in order. */
  public Map<String, ImageShape> shapes() {
    return shapes(name, input, nodes);
  }

  public Node node(String nodeName) {
    for (Node node : nodes) {
      if (node.name().equals(nodeName)) {
        return node;
      }
    }
    throw new IllegalArgumentException("network " + name + " has no node " + nodeName);
  }

  /** Nodes that read each node, in order; every node has an entry. */
  public Map<String, List<Node>> consumers() {
    Map<String, List<Node>> consumers = new LinkedHashMap<>();
    for (Node node : nodes) {
      consumers.put(node.name(), new ArrayList<>());
      for (String input : node.inputs()) {
        consumers.computeIfAbsent(input, key -> new ArrayList<>()).add(node);
      }
    }
    return consumers;
  }

  /** The node whose output is the network's: the logits. */
  public Node output() {
    return nodes.get(nodes.size() - 1);
  }

  private static Map<String, ImageShape> shapes(
      String network, ImageShape input, List<Node> nodes) {
    if (nodes.isEmpty() || !(nodes.get(0).layer() instanceof Layer.Input)) {
      throw new IllegalArgumentException("network " + network + ": the first node must be Input");
    }
    Map<String, ImageShape> shapes = new LinkedHashMap<>();
    Set<String> seen = new HashSet<>();
    for (Node node : nodes) {
      if (!seen.add(node.name())) {
        throw new IllegalArgumentException(
            "network " + network + ": two nodes are named " + node.name());
      }
      if (node.layer() instanceof Layer.Input) {
        if (!shapes.isEmpty()) {
          throw new IllegalArgumentException("network " + network + ": a second Input");
        }
        shapes.put(node.name(), input);
        continue;
      }
      List<ImageShape> inputs =
          node.inputs().stream()
              .map(
                  from -> {
                    ImageShape shape = shapes.get(from);
                    if (shape == null) {
                      throw new IllegalArgumentException(
                          "network %s: node %s reads %s, which does not come before it"
                              .formatted(network, node.name(), from));
                    }
                    return shape;
                  })
              .toList();
      try {
        shapes.put(node.name(), Shapes.output(node.layer(), inputs));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "network %s, node %s: %s".formatted(network, node.name(), e.getMessage()), e);
      }
    }
    return shapes;
  }
}
