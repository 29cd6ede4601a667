package io.stillhouse.lab.testing;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.network.NetworkCatalog;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Networks and images for tests. */
public final class Networks {
  private Networks() {}

  /** A model as a teacher of this data would be stored. */
  public static StoredModel stored(Network network, Dataset data, long seed) {
    return new StoredModel(
        network,
        data.labels(),
        Preprocessing.measured(data.train()),
        new Provenance("", "", Map.of(), seed, Map.of()));
  }

  public static Network catalogue(String name, String input, double width, long seed) {
    return lived(
        RandomWeights.of(NetworkCatalog.build(name, ImageShape.parse(input), 10, width), seed),
        seed);
  }

  /** Normalisation as after training: no statistic is neutral and biases are not zero. */
  public static Network lived(Network network, long seed) {
    Random random = new Random(seed + 1);
    Weights.Builder weights = network.weights().toBuilder();
    for (String name : network.weights().names()) {
      float[] values = network.weights().values(name);
      for (int i = 0; i < values.length; i++) {
        if (name.endsWith(".gamma")) {
          values[i] = 0.6f + 0.8f * random.nextFloat();
        } else if (name.endsWith(".beta") || name.endsWith(".mean") || name.endsWith(".bias")) {
          values[i] = 0.4f * (random.nextFloat() - 0.5f);
        } else if (name.endsWith(".var")) {
          values[i] = 0.5f + random.nextFloat();
        }
      }
      weights.put(name, values, network.weights().shape(name));
    }
    return new Network(network.graph(), weights.build());
  }

  /** Every kind of layer that the exporter writes. */
  public static Network everyLayer(long seed) {
    NetworkGraph graph =
        new NetworkGraph(
            "every_layer",
            new ImageShape(3, 12, 12),
            5,
            List.of(
                node("input", new Layer.Input()),
                node("a", Layer.Conv.of(3, 8, 3, 1, 1), "input"),
                node("a_norm", Layer.BatchNorm.of(8), "a"),
                node("a_act", new Activation(Function.HARD_SWISH), "a_norm"),
                node("m", new Layer.MaxPool(3, 2, 1, false), "a_act"),
                node("left", new Layer.ChannelSlice(0, 4), "m"),
                node("right", new Layer.ChannelSlice(4, 8), "m"),
                node("b", new Layer.Conv(4, 4, 1, 3, 1, 0, 1, 1, true), "right"),
                node("b_act", new Activation(Function.SILU), "b"),
                node("both", new Layer.Concat(), "left", "b_act"),
                node("mixed", new Layer.ChannelShuffle(2), "both"),
                node("p", new Layer.AveragePool(2, 2, 0), "mixed"),
                node("gate_pool", new Layer.GlobalAveragePool(), "p"),
                node("gate", new Layer.Conv(8, 8, 1, 1, 1, 0, 0, 1, true), "gate_pool"),
                node("gate_act", new Activation(Function.HARD_SIGMOID), "gate"),
                node("gated", new Layer.Mul(), "p", "gate_act"),
                node("g", Layer.Conv.of(8, 8, 3, 1, 2), "gated"),
                node("g_norm", Layer.BatchNorm.of(8), "g"),
                node("thin", new Layer.ChannelSlice(2, 6), "p"),
                node("padded", new Layer.ChannelPad(1, 3), "thin"),
                node("sum", new Layer.Add(), "g_norm", "gated", "padded"),
                node("sum_act", new Activation(Function.RELU6), "sum"),
                node("flat", new Layer.Flatten(), "sum_act"),
                node("hidden", new Layer.Linear(72, 6, true), "flat"),
                node("hidden_act", new Activation(Function.RELU), "hidden"),
                node("drop", new Layer.Dropout(0.1), "hidden_act"),
                node("out", new Layer.Linear(6, 5, false), "drop")));
    return lived(RandomWeights.of(graph, seed), seed);
  }

  public static float[] image(ImageShape shape, Random random) {
    float[] image = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) random.nextGaussian();
    }
    return image;
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }
}
