package io.stillhouse.lab.export;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.Arrays;
import java.util.Random;

/**
 * Untrained weights: He-normal multipliers, zero biases, neutral normalisation. For files whose
 * speed and size matter and whose answers do not. {@link Random} is used because its sequence is
 * part of the Java specification, so a seed gives the same bytes on every JDK.
 */
public final class RandomWeights {
  private RandomWeights() {}

  public static Network of(NetworkGraph graph, long seed) {
    Random random = new Random(seed);
    Weights.Builder weights = Weights.builder();
    for (Node node : graph.nodes()) {
      String name = node.name();
      if (node.layer() instanceof Layer.Conv conv) {
        int fanIn = conv.in() / conv.groups() * conv.kernelHeight() * conv.kernelWidth();
        weights.put(
            name + ".weight",
            normal(random, conv.out() * fanIn, fanIn),
            conv.out(),
            conv.in() / conv.groups(),
            conv.kernelHeight(),
            conv.kernelWidth());
        if (conv.bias()) {
          weights.put(name + ".bias", new float[conv.out()], conv.out());
        }
      } else if (node.layer() instanceof Layer.Linear linear) {
        weights.put(
            name + ".weight",
            normal(random, linear.out() * linear.in(), linear.in()),
            linear.out(),
            linear.in());
        if (linear.bias()) {
          weights.put(name + ".bias", new float[linear.out()], linear.out());
        }
      } else if (node.layer() instanceof Layer.BatchNorm norm) {
        int channels = norm.channels();
        weights.put(name + ".gamma", filled(channels, 1), channels);
        weights.put(name + ".beta", new float[channels], channels);
        weights.put(name + ".mean", new float[channels], channels);
        weights.put(name + ".var", filled(channels, 1), channels);
      }
    }
    return new Network(graph, weights.build());
  }

  private static float[] normal(Random random, int count, int fanIn) {
    double deviation = Math.sqrt(2.0 / fanIn);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return values;
  }

  private static float[] filled(int count, float value) {
    float[] values = new float[count];
    Arrays.fill(values, value);
    return values;
  }
}
