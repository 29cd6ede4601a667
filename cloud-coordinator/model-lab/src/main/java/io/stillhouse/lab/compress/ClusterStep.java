package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Cluster;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * Carries out a clustering step: few values for the weights of each layer, then training that moves
 * these values and leaves every weight with the one it has (Han et al. 2016, arXiv 1510.00149).
 */
final class ClusterStep {
  private final StepContext context;

  ClusterStep(StepContext context) {
    this.context = context;
  }

  LayerTrials.Compressed run(Network network, Cluster step, Progress progress) {
    Network few = WeightPalette.cluster(network, step.bits());
    Network made =
        step.epochs() == 0
            ? few
            : lookedUp(
                context.fineTune(marked(few), step.epochs(), StepContext.FOLDED_RATE, progress));
    Network folded = BatchNormFolding.fold(network);
    return new LayerTrials.Compressed(
        made, LayerTrials.ofWeights(folded, few, values -> step.bits()));
  }

  /** The network with palettes, which training moves instead of the weights. */
  static Network marked(Network few) {
    Weights.Builder weights = few.weights().toBuilder();
    for (Node node : few.graph().nodes()) {
      if (!WeightPalette.multiplies(node)) {
        continue;
      }
      String name = node.name() + ".weight";
      float[] values = few.weights().values(name);
      float[] mask = mask(few.weights(), node, values.length);
      TreeMap<Float, Integer> counts = new TreeMap<>();
      for (int i = 0; i < values.length; i++) {
        if (mask[i] != 0) {
          counts.merge(values[i], 1, Integer::sum);
        }
      }
      if (counts.isEmpty()) {
        continue; // every weight is held at zero
      }
      float[] palette = new float[counts.size()];
      float[] shares = new float[counts.size()];
      int next = 0;
      for (var entry : counts.entrySet()) {
        palette[next] = entry.getKey();
        shares[next++] = 1f / entry.getValue();
      }
      float[] places = new float[values.length];
      for (int i = 0; i < places.length; i++) {
        places[i] = mask[i] == 0 ? 0 : Arrays.binarySearch(palette, values[i]);
      }
      weights
          .put(node.name() + TrainingMarks.PALETTE, palette, palette.length)
          .put(node.name() + TrainingMarks.SHARES, shares, shares.length)
          .put(node.name() + TrainingMarks.PLACES, places, few.weights().shape(name));
    }
    return new Network(few.graph(), weights.build());
  }

  /** The network with the weights that its palettes say, and without palettes. */
  static Network lookedUp(Network marked) {
    Weights.Builder weights = marked.weights().toBuilder();
    for (Node node : marked.graph().nodes()) {
      if (!marked.weights().has(node.name() + TrainingMarks.PALETTE)) {
        continue;
      }
      String name = node.name() + ".weight";
      float[] palette = marked.weights().values(node.name() + TrainingMarks.PALETTE);
      float[] values = marked.weights().values(node.name() + TrainingMarks.PLACES);
      float[] mask = mask(marked.weights(), node, values.length);
      for (int i = 0; i < values.length; i++) {
        values[i] = mask[i] == 0 ? 0 : palette[(int) values[i]];
      }
      weights
          .put(name, values, marked.weights().shape(name))
          .remove(node.name() + TrainingMarks.PALETTE)
          .remove(node.name() + TrainingMarks.SHARES)
          .remove(node.name() + TrainingMarks.PLACES);
    }
    return new Network(marked.graph(), weights.build());
  }

  private static float[] mask(Weights weights, Node node, int length) {
    if (weights.has(node.name() + TrainingMarks.MASK)) {
      return weights.values(node.name() + TrainingMarks.MASK);
    }
    float[] all = new float[length];
    Arrays.fill(all, 1);
    return all;
  }
}
