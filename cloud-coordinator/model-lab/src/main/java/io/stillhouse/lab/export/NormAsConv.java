package io.stillhouse.lab.export;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes batch normalisation that no convolution could take in, such as the one at the entry of a
 * DenseNet layer, as the depthwise 1x1 convolution that it is with running statistics. The runtime
 * has an integer form of convolution and none of normalisation.
 */
final class NormAsConv {
  private NormAsConv() {}

  /** The same function with the same node names; without such nodes the same network. */
  static Network rewrite(Network network) {
    NetworkGraph graph = network.graph();
    List<Node> nodes = new ArrayList<>();
    Weights.Builder weights = network.weights().toBuilder();
    for (Node node : graph.nodes()) {
      if (node.layer() instanceof Layer.BatchNorm norm) {
        int channels = norm.channels();
        Layer conv = new Layer.Conv(channels, channels, 1, 1, 1, 0, 0, channels, true);
        nodes.add(new Node(node.name(), conv, node.inputs()));
        rewrite(network.weights(), weights, node.name(), norm);
      } else {
        nodes.add(node);
      }
    }
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  private static void rewrite(Weights from, Weights.Builder to, String node, Layer.BatchNorm norm) {
    float[] factor = from.values(node + ".gamma");
    float[] offset = from.values(node + ".beta");
    float[] mean = from.values(node + ".mean");
    float[] var = from.values(node + ".var");
    for (int c = 0; c < factor.length; c++) {
      double scale = factor[c] / Math.sqrt(var[c] + norm.epsilon());
      factor[c] = (float) scale;
      offset[c] = (float) (offset[c] - mean[c] * scale);
    }
    for (String part : new String[] {".gamma", ".beta", ".mean", ".var"}) {
      to.remove(node + part);
    }
    to.put(node + ".weight", factor, factor.length, 1, 1, 1)
        .put(node + ".bias", offset, offset.length);
  }
}
