package io.stillhouse.lab.compress;

import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.util.Arrays;

/**
 * Few values for many weights: k-means over the weights of each layer (Han et al. 2016, arXiv
 * 1510.00149), begun from values spread evenly between the extremes, which keeps the rare large
 * weights that matter most. Normalisation is folded in first, because folding would tear a palette
 * apart. Where a layer holds zeros on purpose, zero is one of its values.
 */
final class WeightPalette {
  private static final int TURNS_MAX = 100;

  private WeightPalette() {}

  /** The network with at most 2^bits different weights in every convolution and linear layer. */
  static Network cluster(Network network, int bits) {
    Network folded = BatchNormFolding.fold(network);
    Weights.Builder weights = folded.weights().toBuilder();
    for (Node node : folded.graph().nodes()) {
      if (multiplies(node)) {
        String name = node.name() + ".weight";
        weights.put(
            name,
            clustered(folded.weights().values(name), 1 << bits),
            folded.weights().shape(name));
      }
    }
    return new Network(folded.graph(), weights.build());
  }

  /** Whether the node multiplies with weights of its own. */
  static boolean multiplies(Node node) {
    return node.layer() instanceof Layer.Conv || node.layer() instanceof Layer.Linear;
  }

  /** Each value replaced by the nearest of {@code count} centres. */
  static float[] clustered(float[] values, int count) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    boolean zero = Arrays.stream(toDoubles(values)).filter(v -> v == 0).count() > 1;
    double[] centres = centres(sorted, zero ? count - 1 : count, zero);
    float[] near = new float[values.length];
    for (int i = 0; i < near.length; i++) {
      near[i] = zero && values[i] == 0 ? 0 : (float) centres[nearest(centres, values[i])];
    }
    return near;
  }

  private static double[] centres(float[] sorted, int count, boolean skipZero) {
    double[] moving = Arrays.stream(toDoubles(sorted)).filter(v -> !skipZero || v != 0).toArray();
    if (moving.length == 0) {
      return new double[] {0};
    }
    double low = moving[0];
    double high = moving[moving.length - 1];
    double[] centres = new double[Math.max(1, count)];
    for (int i = 0; i < centres.length; i++) {
      centres[i] =
          centres.length == 1 ? (low + high) / 2 : low + (high - low) * i / (centres.length - 1);
    }
    for (int turn = 0; turn < TURNS_MAX; turn++) {
      double[] sums = new double[centres.length];
      long[] counts = new long[centres.length];
      for (double value : moving) {
        int at = nearest(centres, value);
        sums[at] += value;
        counts[at]++;
      }
      double[] next = centres.clone();
      for (int i = 0; i < next.length; i++) {
        next[i] = counts[i] > 0 ? sums[i] / counts[i] : next[i];
      }
      // Means of ordered sets stay ordered, so the search below stays valid.
      if (Arrays.equals(next, centres)) {
        break;
      }
      centres = next;
    }
    return centres;
  }

  private static int nearest(double[] centres, double value) {
    int at = Arrays.binarySearch(centres, value);
    if (at >= 0) {
      return at;
    }
    int above = Math.min(centres.length - 1, -at - 1);
    int below = Math.max(0, above - 1);
    return value - centres[below] <= centres[above] - value ? below : above;
  }

  private static double[] toDoubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }
}
