package io.stillhouse.lab.compress;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Builds the smaller network that is left when only some units of each group are kept: one pass
 * over the graph that carries, for every node, which of its output channels are left.
 */
final class Compaction {
  /** Weights with one entry, or one row, for each output channel. */
  static final List<String> OUTPUT_PARTS =
      List.of(".weight", ".bias", ".gamma", ".beta", ".mean", ".var");

  private final Network network;
  private final Map<String, ImageShape> shapes;

  /** Output channels that go, of makers and followers. */
  private final Map<String, BitSet> gone = new HashMap<>();

  /** Output channels that are left of each node, ascending. */
  private final Map<String, List<Integer>> left = new HashMap<>();

  Compaction(Network network, Map<PruningGroup, List<Integer>> kept) {
    this.network = network;
    this.shapes = network.graph().shapes();
    kept.forEach(
        (group, units) -> {
          BitSet stays = new BitSet();
          units.forEach(stays::set);
          for (String member : group.places().keySet()) {
            BitSet channels = gone.computeIfAbsent(member, key -> new BitSet());
            for (int unit = 0; unit < group.channels(); unit++) {
              if (!stays.get(unit)) {
                group.places(member, unit).forEach(channels::set);
              }
            }
          }
        });
  }

  Network run() {
    Weights.Builder weights = network.weights().toBuilder();
    List<Node> nodes = new ArrayList<>();
    NetworkGraph graph = network.graph();
    for (Node node : graph.nodes()) {
      left.put(node.name(), outputs(node));
      for (String part : OUTPUT_PARTS) {
        if (network.weights().has(node.name() + part)) {
          shrink(node, part, weights);
        }
      }
      nodes.add(new Node(node.name(), shrink(node), node.inputs()));
    }
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  private List<Integer> outputs(Node node) {
    Layer layer = node.layer();
    if (node.inputs().isEmpty()
        || ChannelClasses.makes(layer)
        || layer instanceof Layer.ChannelPad) {
      BitSet without = gone.getOrDefault(node.name(), new BitSet());
      return IntStream.range(0, shape(node.name()).channels())
          .filter(c -> !without.get(c))
          .boxed()
          .toList();
    }
    String input = node.inputs().get(0);
    List<Integer> in = left(input);
    if (layer instanceof Layer.Concat) {
      List<Integer> all = new ArrayList<>();
      int at = 0;
      for (String part : node.inputs()) {
        for (int channel : left(part)) {
          all.add(at + channel);
        }
        at += shape(part).channels();
      }
      return all;
    }
    if (layer instanceof Layer.ChannelSlice slice) {
      return in.stream()
          .filter(c -> c >= slice.from() && c < slice.to())
          .map(c -> c - slice.from())
          .toList();
    }
    if (layer instanceof Layer.ChannelShuffle shuffle) {
      int each = shape(input).channels() / shuffle.groups();
      // The same places are left of every group, so that the smaller shuffle keeps their order.
      return in.stream().map(c -> c % each * shuffle.groups() + c / each).sorted().toList();
    }
    if (layer instanceof Layer.Flatten) {
      int area = shape(input).height() * shape(input).width();
      return in.stream().flatMap(c -> IntStream.range(c * area, (c + 1) * area).boxed()).toList();
    }
    for (String other : node.inputs()) {
      if (!left(other).equals(in)) {
        throw new AssertionError("inputs of " + node.name() + " lose different channels");
      }
    }
    return in;
  }

  private void shrink(Node node, String part, Weights.Builder to) {
    String name = node.name() + part;
    float[] values = network.weights().values(name);
    int[] shape = network.weights().shape(name);
    List<Integer> outputs = left(node.name());
    if (part.equals(".weight") && ChannelClasses.makes(node.layer())) {
      int groups = node.layer() instanceof Layer.Conv conv ? conv.groups() : 1;
      values = narrow(values, shape, groups, new Sides(left(node.inputs().get(0)), outputs));
      shape[1] = left(node.inputs().get(0)).size() / groups;
    } else {
      int each = values.length / shape[0];
      float[] rows = new float[outputs.size() * each];
      for (int i = 0; i < outputs.size(); i++) {
        System.arraycopy(values, outputs.get(i) * each, rows, i * each, each);
      }
      values = rows;
    }
    shape[0] = outputs.size();
    to.put(name, values, shape);
  }

  /** Channels that are left on both sides of a layer. */
  private record Sides(List<Integer> inputs, List<Integer> outputs) {}

  /** Rows and columns that are left of a weight (out, in / groups, values of one channel). */
  private static float[] narrow(float[] values, int[] shape, int groups, Sides sides) {
    int perRow = values.length / shape[0];
    int columns = shape[1];
    int each = perRow / columns;
    int columnsLeft = sides.inputs().size() / groups;
    int rowsPerGroup = shape[0] / groups;
    float[] narrow = new float[sides.outputs().size() * columnsLeft * each];
    int at = 0;
    for (int row : sides.outputs()) {
      int group = row / rowsPerGroup;
      for (int i = 0; i < columnsLeft; i++) {
        int column = sides.inputs().get(group * columnsLeft + i) - group * columns;
        System.arraycopy(values, row * perRow + column * each, narrow, at, each);
        at += each;
      }
    }
    return narrow;
  }

  private Layer shrink(Node node) {
    Layer layer = node.layer();
    int out = left(node.name()).size();
    if (node.inputs().isEmpty()) {
      return layer;
    }
    List<Integer> in = left(node.inputs().get(0));
    if (layer instanceof Layer.Conv conv) {
      return conv.withChannels(in.size(), out, conv.depthwise() ? out : conv.groups());
    }
    if (layer instanceof Layer.BatchNorm norm) {
      return new Layer.BatchNorm(out, norm.epsilon(), norm.momentum());
    }
    if (layer instanceof Layer.Linear linear) {
      return new Layer.Linear(in.size(), out, linear.bias());
    }
    if (layer instanceof Layer.ChannelSlice slice) {
      int from = (int) in.stream().filter(c -> c < slice.from()).count();
      return new Layer.ChannelSlice(from, from + out);
    }
    if (layer instanceof Layer.ChannelPad pad) {
      int before =
          (int) left(node.name()).stream().filter(channel -> channel < pad.before()).count();
      return new Layer.ChannelPad(before, out - before - in.size());
    }
    return layer;
  }

  private List<Integer> left(String node) {
    List<Integer> channels = left.get(node);
    if (channels == null) {
      throw new AssertionError("nodes stand behind their inputs: " + node);
    }
    return channels;
  }

  private ImageShape shape(String node) {
    ImageShape shape = shapes.get(node);
    if (shape == null) {
      throw new AssertionError("every node has a shape: " + node);
    }
    return shape;
  }
}
