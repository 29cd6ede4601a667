package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.HashMap;
import java.util.Map;

/**
 * Which single channels of a network must go together, as a union-find over (node, output channel).
 *
 * <p>A convolution or linear layer makes new channels; whatever works channel by channel keeps
 * those of its input; a sum or product joins those of its inputs; concatenation, slice, padding and
 * shuffle say which channel becomes which. Two layers join channels of one map: a grouped
 * convolution needs as many in each of its groups, on both of its sides, and a shuffle needs as
 * many in each of its groups.
 */
final class ChannelClasses {
  private final Map<String, ImageShape> shapes;
  private final Map<String, Integer> firstOf = new HashMap<>();
  private final int[] parent;

  ChannelClasses(NetworkGraph graph) {
    this.shapes = graph.shapes();
    int slots = 0;
    for (Node node : graph.nodes()) {
      firstOf.put(node.name(), slots);
      slots += channels(node.name());
    }
    parent = new int[slots];
    for (int i = 0; i < slots; i++) {
      parent[i] = i;
    }
    graph.nodes().forEach(this::join);
  }

  int channels(String node) {
    return shape(node).channels();
  }

  /** The number that stands for the class of a channel. */
  int of(String node, int channel) {
    return root(firstOf.getOrDefault(node, 0) + channel);
  }

  /** Number of all channels of all nodes: an upper bound of class numbers. */
  int slots() {
    return parent.length;
  }

  /** Whether a layer makes channels that are not those of its input. */
  static boolean makes(Layer layer) {
    return layer instanceof Layer.Linear || (layer instanceof Layer.Conv conv && !conv.depthwise());
  }

  private void join(Node node) {
    Layer layer = node.layer();
    String name = node.name();
    if (layer instanceof Layer.Conv conv && !conv.depthwise()) {
      joinGroups(name, conv.groups());
      joinGroups(node.inputs().get(0), conv.groups());
    } else if (layer instanceof Layer.Concat) {
      int at = 0;
      for (String input : node.inputs()) {
        joinRange(input, 0, name, at, channels(input));
        at += channels(input);
      }
    } else if (layer instanceof Layer.ChannelSlice slice) {
      joinRange(node.inputs().get(0), slice.from(), name, 0, slice.to() - slice.from());
    } else if (layer instanceof Layer.ChannelPad pad) {
      String input = node.inputs().get(0);
      joinRange(input, 0, name, pad.before(), channels(input));
    } else if (layer instanceof Layer.ChannelShuffle shuffle) {
      shuffle(node.inputs().get(0), name, shuffle.groups());
    } else if (layer instanceof Layer.Flatten) {
      String input = node.inputs().get(0);
      int area = shape(input).height() * shape(input).width();
      for (int feature = 0; feature < channels(name); feature++) {
        union(slot(input, feature / area), slot(name, feature));
      }
    } else if (!makes(layer)) {
      for (String input : node.inputs()) {
        joinRange(input, 0, name, 0, channels(name));
      }
    }
  }

  private void shuffle(String input, String output, int groups) {
    int each = channels(input) / groups;
    for (int channel = 0; channel < channels(input); channel++) {
      union(slot(input, channel), slot(output, channel % each * groups + channel / each));
    }
    joinGroups(input, groups);
  }

  /** Joins channels that stand at the same place of each group. */
  private void joinGroups(String node, int groups) {
    int each = channels(node) / groups;
    for (int channel = each; channel < channels(node); channel++) {
      union(slot(node, channel % each), slot(node, channel));
    }
  }

  private void joinRange(String from, int fromChannel, String to, int toChannel, int count) {
    for (int i = 0; i < count; i++) {
      union(slot(from, fromChannel + i), slot(to, toChannel + i));
    }
  }

  private int slot(String node, int channel) {
    return firstOf.getOrDefault(node, 0) + channel;
  }

  private ImageShape shape(String node) {
    ImageShape shape = shapes.get(node);
    if (shape == null) {
      throw new IllegalArgumentException("no node is named " + node);
    }
    return shape;
  }

  private void union(int a, int b) {
    int first = root(a);
    int second = root(b);
    // The earlier slot stands for both, so that numbers rise in the order of the graph.
    parent[Math.max(first, second)] = Math.min(first, second);
  }

  private int root(int slot) {
    int at = slot;
    while (parent[at] != at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  }
}
