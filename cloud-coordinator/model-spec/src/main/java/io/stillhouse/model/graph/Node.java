package io.stillhouse.model.graph;

import java.util.List;

/** A named layer and the nodes that feed it. The name prefixes the names of its weights. */
public record Node(String name, Layer layer, List<String> inputs) {
  public Node {
    if (!name.matches("[a-z][a-z0-9_.]*")) {
      throw new IllegalArgumentException("node name: " + name + " (expected: [a-z][a-z0-9_.]*)");
    }
    inputs = List.copyOf(inputs);
  }
}
