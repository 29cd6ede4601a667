package io.stillhouse.lab.compress;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;

/**
 * Several networks as one, whose logits are the mean of theirs: the members side by side on one
 * image, their classifiers scaled by 1 / count, and a sum. So an ensemble is taught from, measured
 * and kept like any network.
 */
final class TeacherEnsemble {
  private TeacherEnsemble() {}

  /** Refuses members of different inputs or classes, and those that do not end in a classifier. */
  static Network of(List<Network> members) {
    NetworkGraph first = members.get(0).graph();
    Node input = first.nodes().get(0);
    List<Node> nodes = new ArrayList<>();
    nodes.add(input);
    Weights.Builder weights = Weights.builder();
    List<String> logits = new ArrayList<>();
    for (int m = 0; m < members.size(); m++) {
      Network member = members.get(m);
      requireFit(first, member.graph());
      String prefix = "member" + (m + 1) + ".";
      String own = member.graph().nodes().get(0).name();
      for (Node node : member.graph().nodes().subList(1, member.graph().nodes().size())) {
        nodes.add(
            new Node(
                prefix + node.name(),
                node.layer(),
                node.inputs().stream()
                    .map(from -> from.equals(own) ? input.name() : prefix + from)
                    .toList()));
      }
      String last = member.graph().output().name();
      for (String name : member.weights().names()) {
        float[] values = member.weights().values(name);
        boolean classifier = name.equals(last + ".weight") || name.equals(last + ".bias");
        for (int i = 0; i < (classifier ? values.length : 0); i++) {
          values[i] /= members.size();
        }
        weights.put(prefix + name, values, member.weights().shape(name));
      }
      logits.add(prefix + last);
    }
    nodes.add(new Node("mean", new Layer.Add(), logits));
    return new Network(
        new NetworkGraph("ensemble", first.input(), first.classes(), nodes), weights.build());
  }

  private static void requireFit(NetworkGraph first, NetworkGraph other) {
    if (!other.input().equals(first.input()) || other.classes() != first.classes()) {
      throw new IllegalArgumentException(
          "teacher %s takes %s and %d classes (expected: %s and %d)"
              .formatted(
                  other.name(), other.input(), other.classes(), first.input(), first.classes()));
    }
    if (!(other.output().layer() instanceof Layer.Linear)) {
      throw new IllegalArgumentException(
          "teacher %s does not end in a linear layer".formatted(other.name()));
    }
  }
}
