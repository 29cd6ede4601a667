package io.stillhouse.lab.tensor;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Each layer as a call of the engine. Maps are always (batch, channels, height, width), vectors
 * (batch, features, 1, 1), so that every join is of equal ranks. Callers hold a scope.
 */
final class Layers {
  private static final long[] ONE = {1, 1};

  private final ParameterTensors parameters;
  private final MarkedWeights marked;

  /** Of maps, from the first convolution on, and of what convolutions multiply. */
  private final torch.ScalarType mapType;

  Layers(NetworkGraph graph, ParameterTensors parameters, Arithmetic arithmetic) {
    this.parameters = parameters;
    this.mapType =
        arithmetic == Arithmetic.BF16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float;
    this.marked = new MarkedWeights(graph, parameters);
  }

  /** The image as the network reads it. */
  Tensor input(Node node, Tensor images) {
    return marked.result(node, images);
  }

  Tensor apply(Node node, List<Tensor> inputs, Pass pass) {
    return marked.result(node, compute(node, inputs, pass));
  }

  private Tensor compute(Node node, List<Tensor> inputs, Pass pass) {
    Layer layer = node.layer();
    Tensor x = inputs.get(0);
    if (layer instanceof Layer.Conv conv) {
      return conv(node.name(), conv, x);
    }
    if (layer instanceof Layer.BatchNorm norm) {
      boolean running = pass != Pass.PEER;
      return torch.batch_norm(
          x,
          optional(node.name() + ".gamma"),
          optional(node.name() + ".beta"),
          running ? optional(node.name() + ".mean") : new TensorOptional(),
          running ? optional(node.name() + ".var") : new TensorOptional(),
          pass != Pass.INFERENCE,
          norm.momentum(),
          norm.epsilon(),
          false);
    }
    if (layer instanceof Layer.Activation activation) {
      return marked.roundsResult(node.name())
          ? gated(activation.function(), x)
          : activate(activation.function(), x);
    }
    if (layer instanceof Layer.Add) {
      return inputs.stream().reduce(Tensor::add).orElseThrow();
    }
    if (layer instanceof Layer.Mul) {
      return inputs.stream().reduce(Tensor::mul).orElseThrow();
    }
    if (layer instanceof Layer.Concat) {
      return torch.cat(new TensorVector(inputs.toArray(new Tensor[0])), 1);
    }
    if (layer instanceof Layer.ChannelSlice slice) {
      return x.narrow(1, slice.from(), slice.to() - slice.from());
    }
    if (layer instanceof Layer.ChannelPad pad) {
      return torch.constant_pad_nd(x, 0, 0, 0, 0, pad.before(), pad.after());
    }
    if (layer instanceof Layer.ChannelShuffle shuffle) {
      return torch.channel_shuffle(x, shuffle.groups());
    }
    if (layer instanceof Layer.Linear linear) {
      return linear(node.name(), linear, x);
    }
    if (layer instanceof Layer.Flatten) {
      Tensor flat = x.flatten(1, -1);
      return flat.reshape(flat.size(0), flat.size(1), 1, 1);
    }
    if (layer instanceof Layer.Dropout dropout) {
      return torch.dropout(x, dropout.share(), pass == Pass.TRAINING);
    }
    return pool(layer, x);
  }

  private static Tensor pool(Layer layer, Tensor x) {
    if (layer instanceof Layer.GlobalAveragePool) {
      return torch.adaptive_avg_pool2d(x, 1, 1);
    }
    if (layer instanceof Layer.MaxPool pool) {
      return torch.max_pool2d(
          x, both(pool.kernel()), both(pool.stride()), both(pool.pad()), ONE, pool.ceil());
    }
    if (layer instanceof Layer.AveragePool pool) {
      return torch.avg_pool2d(
          x,
          both(pool.kernel()),
          both(pool.stride()),
          both(pool.pad()),
          false,
          true,
          new LongOptional());
    }
    throw new IllegalArgumentException("layer " + layer + " is not known to training");
  }

  private Tensor conv(String name, Layer.Conv conv, Tensor x) {
    // A strided pointwise convolution reads every stride-th pixel, and only these are given to the
    // engine: its own kernel for the weight's gradient (oneDNN of libtorch 2.10, channels-last)
    // writes past its memory when there are fewer than 16 input channels.
    boolean thinned =
        conv.stride() > 1
            && conv.kernelHeight() == 1
            && conv.kernelWidth() == 1
            && conv.padHeight() == 0
            && conv.padWidth() == 0;
    Convolution how =
        new Convolution(
            thinned ? 1 : conv.stride(), conv.padHeight(), conv.padWidth(), conv.groups());
    Tensor y =
        how.apply(
            (thinned ? everyNth(x, conv.stride()) : x).to(mapType),
            marked.weight(name).to(mapType),
            conv.bias() ? new TensorOptional(marked.bias(name).to(mapType)) : new TensorOptional());
    // With one input channel both layouts look the same, and the engine takes the slow one for
    // this layer and all behind it. Where channels are last already, this does nothing.
    return y.contiguous(torch.MemoryFormat.ChannelsLast);
  }

  /** Pooling over single pixels: unlike a slice, it keeps channels last on the way back too. */
  private static Tensor everyNth(Tensor x, long stride) {
    return torch.avg_pool2d(x, both(1), both(stride), both(0), false, true, new LongOptional());
  }

  private Tensor linear(String name, Layer.Linear linear, Tensor x) {
    Tensor y =
        torch.linear(
            x.flatten(1, -1).to(torch.ScalarType.Float),
            marked.weight(name),
            linear.bias() ? new TensorOptional(marked.bias(name)) : new TensorOptional());
    return y.reshape(y.size(0), y.size(1), 1, 1);
  }

  /** The products that the 8-bit file computes, with their gates rounded as they are there. */
  private static Tensor gated(Layer.Activation.Function function, Tensor x) {
    return switch (function) {
      case HARD_SWISH -> x.mul(MarkedWeights.gate(torch.hardsigmoid(x)));
      case SILU -> x.mul(MarkedWeights.gate(torch.sigmoid(x)));
      default -> activate(function, x);
    };
  }

  private static Tensor activate(Layer.Activation.Function function, Tensor x) {
    return switch (function) {
      case RELU -> torch.relu(x);
      case RELU6 -> torch.relu6(x);
      case HARD_SWISH -> torch.hardswish(x);
      case HARD_SIGMOID -> torch.hardsigmoid(x);
      case SIGMOID -> torch.sigmoid(x);
      case SILU -> torch.silu(x);
    };
  }

  private TensorOptional optional(String name) {
    return new TensorOptional(parameters.get(name));
  }

  private static long[] both(long side) {
    return new long[] {side, side};
  }
}
