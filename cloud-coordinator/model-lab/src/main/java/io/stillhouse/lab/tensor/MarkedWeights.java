package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Weights and results as {@link TrainingMarks} want them while a network learns.
 *
 * <p>Rounding is that of the 8-bit file: results to 256 levels, ties to even, zero point rounded
 * first; weights to 255 levels per output channel; biases to the product of both scales. Its
 * gradient is 1 where it rounds and 0 where it cuts (straight-through estimator, Bengio et al.
 * 2013, arXiv 1308.3432; training with it, Jacob et al. 2018, arXiv 1712.05877). Bounds that are
 * learned get the gradient of the scale that they span (Esser et al. 2020, arXiv 1902.08153).
 * Without marks everything is passed through. Callers hold a scope.
 */
final class MarkedWeights {
  private static final float SCALE_MIN = 1e-8f;
  private static final float WEIGHT_MAX = 127;
  private static final float LEVEL_MAX = 255;

  private final ParameterTensors parameters;

  /** The node whose levels each node's result has: itself, or of those that move values theirs. */
  private final Map<String, String> leveller = new HashMap<>();

  private final Map<String, String> firstInput = new HashMap<>();

  /** Scale and zero point of a result. */
  private record Levels(float scale, float zero) {
    static Levels of(float low, float high) {
      float scale = Math.max(SCALE_MIN, (high - low) / LEVEL_MAX);
      return new Levels(scale, Math.max(0, Math.min(LEVEL_MAX, Math.round(-low / scale))));
    }
  }

  MarkedWeights(NetworkGraph graph, ParameterTensors parameters) {
    this.parameters = parameters;
    for (Node node : graph.nodes()) {
      if (parameters.has(node.name() + TrainingMarks.RANGE)
          || parameters.has(node.name() + TrainingMarks.BOUNDS)) {
        leveller.put(node.name(), node.name());
      } else if (node.layer().movesValues() && leveller.containsKey(node.inputs().get(0))) {
        leveller.put(node.name(), leveller.getOrDefault(node.inputs().get(0), ""));
      }
      if (!node.inputs().isEmpty()) {
        firstInput.put(node.name(), node.inputs().get(0));
      }
    }
  }

  /** Levels as they are now; learned ones move with every step. */
  private Levels levelsOf(String node) {
    String of = leveller.getOrDefault(node, "");
    boolean learned = parameters.has(of + TrainingMarks.BOUNDS);
    float[] range =
        ParameterTensors.floats(
            parameters.get(of + (learned ? TrainingMarks.BOUNDS : TrainingMarks.RANGE)));
    // Zero stays within, so that padding is exact.
    return Levels.of(Math.min(0, range[0]), Math.max(0, range[1]));
  }

  private boolean rounds(String node) {
    return leveller.containsKey(firstInput.getOrDefault(node, ""));
  }

  /** The weight that a convolution or linear layer multiplies with. */
  Tensor weight(String node) {
    Tensor weight =
        parameters.has(node + TrainingMarks.PALETTE)
            ? lookedUp(node)
            : parameters.get(node + ".weight");
    if (parameters.has(node + TrainingMarks.MASK)) {
      weight = weight.mul(parameters.get(node + TrainingMarks.MASK));
    }
    if (!rounds(node)) {
      return weight;
    }
    Tensor scale = weightScale(weight);
    Tensor whole =
        torch.clamp(
            torch.round(weight.detach().div(scale)), scalar(-WEIGHT_MAX), scalar(WEIGHT_MAX));
    return straightThrough(weight, whole.mul(scale));
  }

  /**
   * Weights from their palette. A value gets the mean of its weights' gradients: that is the step
   * down from where the weights are, brought back to weights that share values (the sum, as in Han
   * et al. 2016, arXiv 1510.00149, would be that step thousands of times as long).
   */
  private Tensor lookedUp(String node) {
    Tensor palette = parameters.get(node + TrainingMarks.PALETTE);
    Tensor places = parameters.get(node + TrainingMarks.PLACES);
    Tensor values =
        straightThrough(palette.mul(parameters.get(node + TrainingMarks.SHARES)), palette);
    return values
        .index_select(0, places.flatten().to(torch.ScalarType.Long))
        .reshape(places.sizes())
        .contiguous(
            places.dim() == 4 ? torch.MemoryFormat.ChannelsLast : torch.MemoryFormat.Contiguous);
  }

  /** The bias that goes with it. */
  Tensor bias(String node) {
    Tensor bias = parameters.get(node + ".bias");
    if (!rounds(node)) {
      return bias;
    }
    Tensor weight = parameters.get(node + ".weight");
    float input = levelsOf(firstInput.getOrDefault(node, "")).scale();
    Tensor scale = weightScale(weight).reshape(bias.size(0)).mul(new Scalar(input));
    return straightThrough(bias, torch.round(bias.detach().div(scale)).mul(scale));
  }

  /** Largest absolute weight of each output channel over 127, shaped to divide the weight. */
  private static Tensor weightScale(Tensor weight) {
    Tensor rows = weight.detach().abs().reshape(weight.size(0), -1);
    Tensor largest = rows.amax(new long[] {1}, false).div(new Scalar(WEIGHT_MAX));
    long[] shape = new long[(int) weight.dim()];
    Arrays.fill(shape, 1);
    shape[0] = weight.size(0);
    return torch.clamp_min(largest, new Scalar(SCALE_MIN)).reshape(shape);
  }

  /** The result that others read. */
  Tensor result(Node node, Tensor tensor) {
    if (parameters.has(node.name() + TrainingMarks.BOUNDS)) {
      return learned(node, tensor);
    }
    if (!parameters.has(node.name() + TrainingMarks.RANGE)) {
      return tensor;
    }
    Levels as = levelsOf(node.name());
    Tensor inside =
        torch.clamp(
            tensor, scalar(-as.zero() * as.scale()), scalar((LEVEL_MAX - as.zero()) * as.scale()));
    Tensor whole =
        torch.clamp(
            torch.round(tensor.detach().div(new Scalar(as.scale()))).add(new Scalar(as.zero())),
            scalar(0),
            scalar(LEVEL_MAX));
    Tensor rounded = whole.sub(new Scalar(as.zero())).mul(new Scalar(as.scale()));
    return straightThrough(inside, rounded);
  }

  /** Whether the node's result is rounded. */
  boolean roundsResult(String node) {
    return node.equals(leveller.get(node));
  }

  /** A gate between 0 and 1, to as many levels as the file gives it. */
  static Tensor gate(Tensor tensor) {
    Scalar levels = new Scalar(LEVEL_MAX);
    return straightThrough(tensor, torch.round(tensor.detach().mul(levels)).div(levels));
  }

  /** As above, with a gradient for the bounds too. */
  private Tensor learned(Node node, Tensor tensor) {
    Levels as = levelsOf(node.name());
    Tensor bounds = parameters.get(node.name() + TrainingMarks.BOUNDS);
    float[] at = ParameterTensors.floats(bounds);
    Tensor low = torch.clamp_max(bounds.narrow(0, 0, 1), new Scalar(0f));
    Tensor high = torch.clamp_min(bounds.narrow(0, 1, 1), new Scalar(0f));
    // A bound at zero stays there: levels beyond it would be wasted, and after a ReLU the runtime
    // has its 8-bit kernels for a zero point of 0 alone.
    low = at[0] < 0 ? low : low.detach();
    high = at[1] > 0 ? high : high.detach();
    Tensor span = torch.clamp_min(high.sub(low).div(new Scalar(LEVEL_MAX)), new Scalar(SCALE_MIN));
    // A step moves the scale as it would if the scale itself were trained: the bounds are 255 times
    // as large, and get 255 times as little of its gradient.
    double share = LEVEL_MAX * LEVEL_MAX / Math.sqrt(LEVEL_MAX * (double) tensor.numel());
    Tensor scale = straightThrough(span.mul(new Scalar(share)), span);
    Tensor ratio = tensor.div(scale);
    Tensor whole =
        torch.clamp(
            straightThrough(ratio, torch.round(ratio.detach())).add(new Scalar(as.zero())),
            scalar(0),
            scalar(LEVEL_MAX));
    return whole.sub(new Scalar(as.zero())).mul(scale);
  }

  /** The value of one tensor with the gradient of another. */
  private static Tensor straightThrough(Tensor gradient, Tensor value) {
    return gradient.add(value.sub(gradient).detach());
  }

  private static ScalarOptional scalar(float value) {
    return new ScalarOptional(new Scalar(value));
  }
}
