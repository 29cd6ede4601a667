package io.stillhouse.lab.compress;

import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.Int8Weights;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes out of each bias the mean error that rounding the weight causes: with e = rounded(W) - W,
 * E[e x] = e E[x], so b' = b - e E[x] (Nagel et al. 2019, section 4.2). The mean input of each
 * channel is measured on calibration images in the float network; that zero padding lowers it at
 * the borders is not accounted for.
 */
final class BiasCorrection {
  private BiasCorrection() {}

  /** A network with corrected biases, of one whose normalisation is folded in. */
  static Network correct(Network folded, List<float[]> images) {
    Map<String, double[]> means = means(folded, images);
    Weights weights = folded.weights();
    Weights.Builder corrected = weights.toBuilder();
    for (Node node : folded.graph().nodes()) {
      double[] mean = node.inputs().isEmpty() ? null : means.get(node.inputs().get(0));
      String bias = node.name() + ".bias";
      if (mean != null && multiplies(node.layer()) && weights.has(bias)) {
        corrected.put(bias, moved(node, weights, mean), weights.shape(bias));
      }
    }
    return new Network(folded.graph(), corrected.build());
  }

  private static boolean multiplies(Layer layer) {
    return layer instanceof Layer.Conv || layer instanceof Layer.Linear;
  }

  private static float[] moved(Node node, Weights weights, double[] mean) {
    String name = node.name() + ".weight";
    float[] weight = weights.values(name);
    float[] bias = weights.values(node.name() + ".bias");
    float[] rounded = Int8Weights.rounded(weight, bias.length);
    int groups = node.layer() instanceof Layer.Conv conv ? conv.groups() : 1;
    int inputs = mean.length / groups;
    int each = weight.length / bias.length;
    int perInput = each / inputs;
    for (int o = 0; o < bias.length; o++) {
      int group = o / (bias.length / groups);
      double shift = 0;
      for (int i = 0; i < each; i++) {
        double error = (double) rounded[o * each + i] - weight[o * each + i];
        shift += error * mean[group * inputs + i / perInput];
      }
      bias[o] -= (float) shift;
    }
    return bias;
  }

  /** Mean of each channel of every result that a convolution or linear layer reads. */
  private static Map<String, double[]> means(Network folded, List<float[]> images) {
    Map<String, ImageShape> shapes = folded.graph().shapes();
    String input = folded.graph().nodes().get(0).name();
    Set<String> wanted = new LinkedHashSet<>();
    for (Node node : folded.graph().nodes()) {
      if (multiplies(node.layer()) && !node.inputs().get(0).equals(input)) {
        wanted.add(node.inputs().get(0));
      }
    }
    Map<String, double[]> means = new HashMap<>();
    try (OrtModel model = OrtModel.open(OnnxExporter.observed(folded, new ArrayList<>(wanted)))) {
      for (float[] image : images) {
        Map<String, float[]> values = new HashMap<>(model.runAll(image));
        values.put(input, image);
        values.forEach(
            (node, map) -> {
              ImageShape shape = shapes.get(node);
              if (shape != null) {
                double[] sums = means.computeIfAbsent(node, key -> new double[shape.channels()]);
                int area = map.length / shape.channels();
                for (int i = 0; i < map.length; i++) {
                  sums[i / area] += (double) map[i] / area / images.size();
                }
              }
            });
      }
    }
    return means;
  }
}
