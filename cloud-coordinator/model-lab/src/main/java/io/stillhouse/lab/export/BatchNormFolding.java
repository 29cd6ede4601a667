package io.stillhouse.lab.export;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Moves batch normalisation into the convolution before it: with running statistics it is one
 * factor and one offset per channel, so w' = w * gamma / sqrt(var + eps) and b' = beta + (b - mean)
 * * gamma / sqrt(var + eps). Outputs change only by float rounding. A normalisation that does not
 * directly and alone follow a convolution stays.
 */
public final class BatchNormFolding {
  private BatchNormFolding() {}

  public static Network fold(Network network) {
    NetworkGraph graph = network.graph();
    Map<String, Node> normOf = normBehindConv(graph);
    Map<String, String> renamed = new HashMap<>();
    normOf.forEach((conv, norm) -> renamed.put(norm.name(), conv));

    List<Node> nodes = new ArrayList<>();
    Weights.Builder weights = network.weights().toBuilder();
    for (Node node : graph.nodes()) {
      if (renamed.containsKey(node.name())) {
        continue;
      }
      List<String> inputs = node.inputs().stream().map(in -> renamed.getOrDefault(in, in)).toList();
      Node norm = normOf.get(node.name());
      Layer layer = node.layer();
      if (norm != null && layer instanceof Layer.Conv conv) {
        layer = conv.withBias(true);
        foldWeights(network.weights(), weights, node.name(), norm);
      }
      nodes.add(new Node(node.name(), layer, inputs));
    }
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  private static Map<String, Node> normBehindConv(NetworkGraph graph) {
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, Node> normOf = new HashMap<>();
    for (Node node : graph.nodes()) {
      List<Node> readers = consumers.getOrDefault(node.name(), List.of());
      if (node.layer() instanceof Layer.Conv
          && readers.size() == 1
          && readers.get(0).layer() instanceof Layer.BatchNorm) {
        normOf.put(node.name(), readers.get(0));
      }
    }
    return normOf;
  }

  private static void foldWeights(Weights from, Weights.Builder to, String conv, Node norm) {
    double epsilon = ((Layer.BatchNorm) norm.layer()).epsilon();
    float[] weight = from.values(conv + ".weight");
    int[] shape = from.shape(conv + ".weight");
    int out = shape[0];
    int perChannel = weight.length / out;
    float[] bias = from.has(conv + ".bias") ? from.values(conv + ".bias") : new float[out];
    float[] gamma = from.values(norm.name() + ".gamma");
    float[] beta = from.values(norm.name() + ".beta");
    float[] mean = from.values(norm.name() + ".mean");
    float[] var = from.values(norm.name() + ".var");
    for (int c = 0; c < out; c++) {
      double factor = gamma[c] / Math.sqrt(var[c] + epsilon);
      for (int i = c * perChannel; i < (c + 1) * perChannel; i++) {
        weight[i] = (float) (weight[i] * factor);
      }
      bias[c] = (float) (beta[c] + (bias[c] - mean[c]) * factor);
    }
    to.put(conv + ".weight", weight, shape).put(conv + ".bias", bias, out);
    for (String part : new String[] {".gamma", ".beta", ".mean", ".var"}) {
      to.remove(norm.name() + part);
    }
  }
}
