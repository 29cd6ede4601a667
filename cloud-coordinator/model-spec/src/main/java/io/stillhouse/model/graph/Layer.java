package io.stillhouse.model.graph;

/**
 * One operation of a network, without its weights. Feature maps are (channels, height, width);
 * after {@link Flatten} or {@link GlobalAveragePool} followed by it, a vector is (features, 1, 1).
 */
public sealed interface Layer {
  /** Whether results are values of the input at other places, so that its range and scale fit. */
  default boolean movesValues() {
    return this instanceof Flatten
        || this instanceof MaxPool
        || this instanceof ChannelSlice
        || this instanceof ChannelShuffle
        || this instanceof ChannelPad
        || this instanceof Dropout;
  }

  /** The image that enters the network. Exactly one per graph, and first. */
  record Input() implements Layer {}

  /**
   * Convolution. Weight {@code <node>.weight} is (out, in / groups, kernelHeight, kernelWidth);
   * with {@code bias}, {@code <node>.bias} is (out). {@code groups == in == out} is a depthwise
   * one.
   */
  record Conv(
      int in,
      int out,
      int kernelHeight,
      int kernelWidth,
      int stride,
      int padHeight,
      int padWidth,
      int groups,
      boolean bias)
      implements Layer {
    public Conv {
      if (in < 1 || out < 1 || kernelHeight < 1 || kernelWidth < 1 || stride < 1) {
        throw new IllegalArgumentException(
            "conv: in %d, out %d, kernel %dx%d, stride %d (expected: all >= 1)"
                .formatted(in, out, kernelHeight, kernelWidth, stride));
      }
      if (padHeight < 0 || padWidth < 0) {
        throw new IllegalArgumentException(
            "conv padding: %d, %d (expected: >= 0)".formatted(padHeight, padWidth));
      }
      if (groups < 1 || in % groups != 0 || out % groups != 0) {
        throw new IllegalArgumentException(
            "conv groups: %d (expected: a divisor of in %d and out %d)".formatted(groups, in, out));
      }
    }

    /** Square kernel with "same" padding for odd kernels, no bias. */
    public static Conv of(int in, int out, int kernel, int stride, int groups) {
      return new Conv(in, out, kernel, kernel, stride, kernel / 2, kernel / 2, groups, false);
    }

    /** The same window between other channels. */
    public Conv withChannels(int otherIn, int otherOut, int otherGroups) {
      return new Conv(
          otherIn,
          otherOut,
          kernelHeight,
          kernelWidth,
          stride,
          padHeight,
          padWidth,
          otherGroups,
          bias);
    }

    /** The same convolution with or without a bias. */
    public Conv withBias(boolean other) {
      return new Conv(
          in, out, kernelHeight, kernelWidth, stride, padHeight, padWidth, groups, other);
    }

    public boolean depthwise() {
      return groups > 1 && groups == in && groups == out;
    }
  }

  /**
   * Batch normalisation over channels: {@code <node>.gamma}, {@code .beta} (trained), {@code
   * .mean}, {@code .var} (running). {@code momentum} is the weight of the newest batch, as in
   * PyTorch.
   */
  record BatchNorm(int channels, double epsilon, double momentum) implements Layer {
    public static BatchNorm of(int channels) {
      return new BatchNorm(channels, 1e-5, 0.1);
    }
  }

  /** Element-wise non-linearity. */
  record Activation(Function function) implements Layer {
    /** The functions known to training, export and the int8 recipe. */
    public enum Function {
      RELU,
      RELU6,
      HARD_SWISH,
      HARD_SIGMOID,
      SIGMOID,
      SILU
    }
  }

  /** Sum of two or more equal shapes; joins the channels of its inputs into one pruning group. */
  record Add() implements Layer {}

  /** Product of a feature map with an equal shape or with (channels, 1, 1), e.g. squeeze-excite. */
  record Mul() implements Layer {}

  /** Concatenation along channels, in the order of the inputs. */
  record Concat() implements Layer {}

  /** Channels {@code [from, to)} of the input. */
  record ChannelSlice(int from, int to) implements Layer {}

  /**
   * The input between channels of zeros: {@code before} in front of it and {@code after} behind.
   */
  record ChannelPad(int before, int after) implements Layer {
    public ChannelPad {
      if (before < 0 || after < 0) {
        throw new IllegalArgumentException(
            "channel padding: %d, %d (expected: >= 0)".formatted(before, after));
      }
    }
  }

  /** ShuffleNet's channel shuffle over {@code groups}. */
  record ChannelShuffle(int groups) implements Layer {}

  record MaxPool(int kernel, int stride, int pad, boolean ceil) implements Layer {}

  /** Average over the window; padding counts as elements, as in PyTorch's default. */
  record AveragePool(int kernel, int stride, int pad) implements Layer {}

  /** Mean over height and width: (channels, 1, 1). */
  record GlobalAveragePool() implements Layer {}

  /** (channels, height, width) to (channels * height * width, 1, 1). */
  record Flatten() implements Layer {}

  /**
   * Fully connected: {@code <node>.weight} (out, in), with {@code bias} {@code <node>.bias} (out).
   */
  record Linear(int in, int out, boolean bias) implements Layer {
    public Linear {
      if (in < 1 || out < 1) {
        throw new IllegalArgumentException(
            "linear: in %d, out %d (expected: both >= 1)".formatted(in, out));
      }
    }
  }

  /** Zeroes a share of its input in training; identity otherwise. */
  record Dropout(double share) implements Layer {}
}
