package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Sparsify;
import io.stillhouse.model.recipe.Sparsity;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Carries out a sparsity step: sets the smallest weights to zero (Han et al. 2015, arXiv
 * 1506.02626; N of M: Mishra et al. 2021, arXiv 2104.08378), marks them so that whatever trains
 * later holds them there, and trains the rest.
 */
final class SparsifyStep {
  private final StepContext context;

  SparsifyStep(StepContext context) {
    this.context = context;
  }

  LayerTrials.Compressed run(Network network, Sparsify step, Progress progress) {
    Network sparse = sparse(network, step.sparsity());
    return new LayerTrials.Compressed(
        context.fineTune(sparse, step.epochs(), progress),
        LayerTrials.ofWeights(network, sparse, SparsifyStep::zeroShare));
  }

  private static double zeroShare(float[] values) {
    int zeros = 0;
    for (float value : values) {
      zeros += value == 0 ? 1 : 0;
    }
    return (double) zeros / values.length;
  }

  /**
   * Zeros and masks. Layers with fewer inputs than a pattern's group are left as they are. Zeros of
   * an earlier step stay, and count among those that this step asks for.
   */
  static Network sparse(Network network, Sparsity sparsity) {
    Weights.Builder weights = network.weights().toBuilder();
    for (Node node : network.graph().nodes()) {
      if (!WeightPalette.multiplies(node)) {
        continue;
      }
      String name = node.name() + ".weight";
      float[] values = network.weights().values(name);
      int[] shape = network.weights().shape(name);
      float[] mask = earlierMask(network.weights(), node, values.length);
      for (int i = 0; i < values.length; i++) {
        // Nothing is smaller than zero, so what is gone is taken first.
        values[i] *= mask[i];
      }
      if (sparsity.group() == 0) {
        zeroSmallest(
            values,
            mask,
            IntStream.range(0, values.length).toArray(),
            (int) (sparsity.ratio() * values.length));
      } else {
        pattern(values, mask, shape, sparsity);
      }
      for (int i = 0; i < values.length; i++) {
        values[i] *= mask[i];
      }
      weights.put(name, values, shape).put(node.name() + TrainingMarks.MASK, mask, shape);
    }
    return new Network(network.graph(), weights.build());
  }

  private static float[] earlierMask(Weights weights, Node node, int count) {
    String name = node.name() + TrainingMarks.MASK;
    if (weights.has(name)) {
      return weights.values(name);
    }
    float[] mask = new float[count];
    Arrays.fill(mask, 1);
    return mask;
  }

  private static void pattern(float[] values, float[] mask, int[] shape, Sparsity sparsity) {
    int inputs = shape[1];
    int window = values.length / (shape[0] * inputs);
    for (int out = 0; out < shape[0]; out++) {
      for (int at = 0; at < window; at++) {
        for (int from = 0; from + sparsity.group() <= inputs; from += sparsity.group()) {
          int[] places = new int[sparsity.group()];
          for (int i = 0; i < places.length; i++) {
            places[i] = (out * inputs + from + i) * window + at;
          }
          zeroSmallest(values, mask, places, sparsity.group() - sparsity.kept());
        }
      }
    }
  }

  private static void zeroSmallest(float[] values, float[] mask, int[] places, int count) {
    Arrays.stream(places)
        .boxed()
        // Ties go by place, so that they have one outcome.
        .sorted(Comparator.<Integer>comparingDouble(i -> Math.abs(values[i])))
        .limit(count)
        .forEach(i -> mask[i] = 0);
  }
}
