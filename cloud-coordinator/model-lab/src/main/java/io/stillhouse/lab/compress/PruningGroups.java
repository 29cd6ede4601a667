package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds the pruning groups of a network from its graph.
 *
 * <p>Every result has a channel space. A convolution or linear layer opens a new one; whatever
 * works channel by channel keeps that of its input; a sum or product makes one space of those of
 * its inputs, which is how a residual chain ends up as one group from the stem to the last block.
 * The spaces of the image and of the logits are given from outside and are not prunable.
 */
final class PruningGroups {
  private final NetworkGraph graph;

  /** Union-find over nodes: each points towards the node that stands for its channel space. */
  private final Map<String, String> parent = new HashMap<>();

  private PruningGroups(NetworkGraph graph) {
    this.graph = graph;
  }

  /** The groups in the order in which their first maker stands in the graph. */
  static List<PruningGroup> of(NetworkGraph graph) {
    return new PruningGroups(graph).find();
  }

  private List<PruningGroup> find() {
    for (Node node : graph.nodes()) {
      refuseUnsupported(node);
      parent.put(node.name(), node.name());
      if (!opensSpace(node.layer())) {
        node.inputs().forEach(input -> join(input, node.name()));
      }
    }
    Set<String> fixed = new HashSet<>();
    fixed.add(root(graph.nodes().get(0).name()));
    fixed.add(root(graph.output().name()));

    Map<String, Draft> drafts = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      Layer layer = node.layer();
      String own = root(node.name());
      if (opensSpace(layer) && !node.inputs().isEmpty()) {
        drafts.computeIfAbsent(own, key -> new Draft(outputs(layer))).makers.add(node.name());
        String read = root(node.inputs().get(0));
        Draft source = drafts.get(read);
        if (source != null) {
          source.readers.add(node.name());
        }
      } else if (layer instanceof Layer.Conv || layer instanceof Layer.BatchNorm) {
        Draft draft = drafts.get(own);
        if (draft != null) {
          draft.followers.add(node.name());
        }
      }
    }
    List<PruningGroup> groups = new ArrayList<>();
    drafts.forEach(
        (space, draft) -> {
          if (!fixed.contains(space)) {
            groups.add(
                new PruningGroup(draft.channels, draft.makers, draft.followers, draft.readers));
          }
        });
    return groups;
  }

  private static final class Draft {
    final int channels;
    final List<String> makers = new ArrayList<>();
    final List<String> followers = new ArrayList<>();
    final List<String> readers = new ArrayList<>();

    Draft(int channels) {
      this.channels = channels;
    }
  }

  private void refuseUnsupported(Node node) {
    Layer layer = node.layer();
    String why =
        layer instanceof Layer.Concat
            ? "a concatenation, whose channels come from several groups at once"
            : layer instanceof Layer.ChannelSlice
                ? "a channel slice, whose bounds would move"
                : layer instanceof Layer.ChannelShuffle
                    ? "a channel shuffle, which mixes groups"
                    : layer instanceof Layer.Conv conv && conv.groups() > 1 && !conv.depthwise()
                        ? "a grouped convolution, whose groups would become unequal"
                        : "";
    if (!why.isEmpty()) {
      throw new IllegalArgumentException(
          "network %s cannot be pruned: node %s is %s".formatted(graph.name(), node.name(), why));
    }
  }

  private static boolean opensSpace(Layer layer) {
    return layer instanceof Layer.Input
        || layer instanceof Layer.Linear
        || (layer instanceof Layer.Conv conv && !conv.depthwise());
  }

  private static int outputs(Layer layer) {
    return layer instanceof Layer.Conv conv ? conv.out() : ((Layer.Linear) layer).out();
  }

  private void join(String a, String b) {
    parent.put(root(b), root(a));
  }

  private String root(String node) {
    String up = parent.getOrDefault(node, node);
    return up.equals(node) ? node : root(up);
  }
}
