package io.stillhouse.lab.compress;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Builds the smaller network that is left when only some channels of each group are kept. */
final class Compaction {
  /** Weights with one entry, or one row, for each output channel. */
  static final List<String> OUTPUT_PARTS =
      List.of(".weight", ".bias", ".gamma", ".beta", ".mean", ".var");

  private final Network network;
  private final Map<String, List<Integer>> outputsKept = new HashMap<>();
  private final Map<String, List<Integer>> inputsKept = new HashMap<>();

  /** Channels before, of the group that a layer reads; tells features per channel of a linear. */
  private final Map<String, Integer> inputChannels = new HashMap<>();

  Compaction(Network network, Map<PruningGroup, List<Integer>> kept) {
    this.network = network;
    kept.forEach(
        (group, channels) -> {
          group.makers().forEach(name -> outputsKept.put(name, channels));
          group.followers().forEach(name -> outputsKept.put(name, channels));
          for (String name : group.readers()) {
            inputsKept.put(name, channels);
            inputChannels.put(name, group.channels());
          }
        });
  }

  Network run() {
    Weights.Builder weights = network.weights().toBuilder();
    List<Node> nodes = new ArrayList<>();
    for (Node node : network.graph().nodes()) {
      for (String part : OUTPUT_PARTS) {
        if (network.weights().has(node.name() + part)) {
          shrink(node.name(), part, weights);
        }
      }
      nodes.add(new Node(node.name(), shrink(node.name(), node.layer()), node.inputs()));
    }
    NetworkGraph graph = network.graph();
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  private void shrink(String node, String part, Weights.Builder to) {
    String name = node + part;
    float[] values = network.weights().values(name);
    int[] shape = network.weights().shape(name);
    List<Integer> outputs = outputsKept.get(node);
    if (outputs != null) {
      values = rows(values, shape[0], outputs);
      shape[0] = outputs.size();
    }
    List<Integer> inputs = inputsKept.get(node);
    if (inputs != null && part.equals(".weight")) {
      // A row is (input channels, values of one channel), whether of a kernel or of a flattened
      // map.
      int channels = inputChannels.getOrDefault(node, shape[1]);
      int perRow = values.length / shape[0];
      float[] narrow = new float[shape[0] * (perRow / channels) * inputs.size()];
      int narrowRow = narrow.length / shape[0];
      for (int row = 0; row < shape[0]; row++) {
        float[] one = Arrays.copyOfRange(values, row * perRow, (row + 1) * perRow);
        System.arraycopy(rows(one, channels, inputs), 0, narrow, row * narrowRow, narrowRow);
      }
      values = narrow;
      shape[1] = shape[1] / channels * inputs.size();
    }
    to.put(name, values, shape);
  }

  private static float[] rows(float[] values, int rows, List<Integer> kept) {
    int each = values.length / rows;
    float[] out = new float[kept.size() * each];
    for (int i = 0; i < kept.size(); i++) {
      System.arraycopy(values, kept.get(i) * each, out, i * each, each);
    }
    return out;
  }

  private Layer shrink(String node, Layer layer) {
    if (layer instanceof Layer.Conv conv) {
      int out = size(outputsKept.get(node), conv.out());
      int in = conv.depthwise() ? out : size(inputsKept.get(node), conv.in());
      return new Layer.Conv(
          in,
          out,
          conv.kernelHeight(),
          conv.kernelWidth(),
          conv.stride(),
          conv.padHeight(),
          conv.padWidth(),
          conv.depthwise() ? out : conv.groups(),
          conv.bias());
    }
    if (layer instanceof Layer.BatchNorm norm) {
      return new Layer.BatchNorm(
          size(outputsKept.get(node), norm.channels()), norm.epsilon(), norm.momentum());
    }
    if (layer instanceof Layer.Linear linear) {
      List<Integer> inputs = inputsKept.get(node);
      int in =
          inputs == null
              ? linear.in()
              : linear.in() / inputChannels.getOrDefault(node, linear.in()) * inputs.size();
      return new Layer.Linear(in, size(outputsKept.get(node), linear.out()), linear.bias());
    }
    return layer;
  }

  private static int size(@Nullable List<Integer> kept, int otherwise) {
    return kept == null ? otherwise : kept.size();
  }
}
