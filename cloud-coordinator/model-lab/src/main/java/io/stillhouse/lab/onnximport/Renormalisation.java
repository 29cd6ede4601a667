package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives a network its batch normalisation back. Exporters fold it into the convolutions, and what
 * is left answers the same but does not train on: at any rate that learns it soon falls apart. Here
 * each convolution gets a normalisation whose statistics are measured over images, and whose scale
 * and shift undo exactly that, so that the network still answers the same.
 *
 * <pre>
 * mean = m, var = v, gamma = sqrt(v + epsilon), beta = m     m, v: of the convolution's result
 * </pre>
 */
public final class Renormalisation {
  private Renormalisation() {}

  /**
   * A network that answers the same up to rounding, or the network itself when it has normalisation
   * or no convolution.
   *
   * @param images preprocessed, at least one
   */
  public static Network of(Network network, List<float[]> images) {
    NetworkGraph graph = network.graph();
    boolean normalised =
        graph.nodes().stream().anyMatch(node -> node.layer() instanceof Layer.BatchNorm);
    List<String> convolutions = convolutions(graph);
    if (normalised || convolutions.isEmpty()) {
      return network;
    }
    Map<String, Spread> spreads = spreads(network, convolutions, images);
    List<Node> nodes = new ArrayList<>();
    Weights.Builder weights = network.weights().toBuilder();
    for (Node node : graph.nodes()) {
      Spread spread = spreads.get(node.name());
      if (spread == null || !(node.layer() instanceof Layer.Conv conv)) {
        nodes.add(node);
        continue;
      }
      // What reads the result goes on reading it by its name.
      String name = node.name() + ".conv";
      nodes.add(new Node(name, conv.withBias(false), node.inputs()));
      nodes.add(new Node(node.name(), Layer.BatchNorm.of(conv.out()), List.of(name)));
      weights.put(
          name + ".weight",
          network.weights().values(node.name() + ".weight"),
          network.weights().shape(node.name() + ".weight"));
      weights.remove(node.name() + ".weight").remove(node.name() + ".bias");
      float[] bias =
          conv.bias() ? network.weights().values(node.name() + ".bias") : new float[conv.out()];
      spread.write(node.name(), bias, weights);
    }
    return new Network(
        new NetworkGraph(graph.name(), graph.input(), graph.classes(), nodes), weights.build());
  }

  /** Those that make maps; a gate's single pixel has no spread worth a statistic. */
  private static List<String> convolutions(NetworkGraph graph) {
    Map<String, ImageShape> shapes = graph.shapes();
    return graph.nodes().stream()
        .filter(node -> node.layer() instanceof Layer.Conv && !node.equals(graph.output()))
        .map(Node::name)
        .filter(
            name -> {
              ImageShape shape = shapes.getOrDefault(name, graph.input());
              return shape.height() * shape.width() > 1;
            })
        .toList();
  }

  private static Map<String, Spread> spreads(
      Network network, List<String> convolutions, List<float[]> images) {
    Map<String, ImageShape> shapes = network.graph().shapes();
    Map<String, Spread> spreads = new LinkedHashMap<>();
    for (String name : convolutions) {
      spreads.put(name, new Spread(shapes.getOrDefault(name, network.graph().input()).channels()));
    }
    try (OrtModel model = OrtModel.open(OnnxExporter.observed(network, convolutions))) {
      for (float[] image : images) {
        model
            .runAll(image)
            .forEach(
                (name, values) -> {
                  Spread spread = spreads.get(name);
                  if (spread != null) {
                    spread.take(values);
                  }
                });
      }
    }
    return spreads;
  }

  /** Mean and variance of each channel of one convolution. */
  private static final class Spread {
    private final double[] sums;
    private final double[] squares;
    private long count;

    Spread(int channels) {
      sums = new double[channels];
      squares = new double[channels];
    }

    void take(float[] values) {
      int each = values.length / sums.length;
      for (int c = 0; c < sums.length; c++) {
        for (int i = c * each; i < (c + 1) * each; i++) {
          sums[c] += values[i];
          squares[c] += (double) values[i] * values[i];
        }
      }
      count += each;
    }

    void write(String node, float[] bias, Weights.Builder weights) {
      int channels = sums.length;
      float[] gamma = new float[channels];
      float[] beta = new float[channels];
      float[] mean = new float[channels];
      float[] variance = new float[channels];
      for (int c = 0; c < channels; c++) {
        double m = sums[c] / count;
        variance[c] = (float) Math.max(0, squares[c] / count - m * m);
        gamma[c] = (float) Math.sqrt(variance[c] + Layer.BatchNorm.of(channels).epsilon());
        // The bias goes: a normalisation behind it would take it out again.
        mean[c] = (float) (m - bias[c]);
        beta[c] = (float) m;
      }
      weights
          .put(node + ".gamma", gamma, channels)
          .put(node + ".beta", beta, channels)
          .put(node + ".mean", mean, channels)
          .put(node + ".var", variance, channels);
    }
  }
}
