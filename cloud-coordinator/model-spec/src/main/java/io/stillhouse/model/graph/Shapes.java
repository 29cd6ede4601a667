package io.stillhouse.model.graph;

import java.util.List;

/** Shape inference: what a layer makes of its inputs' shapes, or why it cannot. */
public final class Shapes {
  private Shapes() {}

  /** Refuses inputs that do not fit the layer with an {@link IllegalArgumentException}. */
  public static ImageShape output(Layer layer, List<ImageShape> inputs) {
    if (layer instanceof Layer.Add || layer instanceof Layer.Mul || layer instanceof Layer.Concat) {
      return join(layer, inputs);
    }
    if (inputs.size() != 1) {
      throw new IllegalArgumentException(
          "%s has %d inputs (expected: 1)".formatted(layer, inputs.size()));
    }
    ImageShape in = inputs.get(0);
    if (layer instanceof Layer.Conv conv) {
      requireChannels(conv.in(), in);
      return new ImageShape(
          conv.out(),
          window(in.height(), conv.kernelHeight(), conv.stride(), conv.padHeight(), false),
          window(in.width(), conv.kernelWidth(), conv.stride(), conv.padWidth(), false));
    }
    if (layer instanceof Layer.BatchNorm norm) {
      requireChannels(norm.channels(), in);
      return in;
    }
    if (layer instanceof Layer.MaxPool pool) {
      return pooled(in, pool.kernel(), pool.stride(), pool.pad(), pool.ceil());
    }
    if (layer instanceof Layer.AveragePool pool) {
      return pooled(in, pool.kernel(), pool.stride(), pool.pad(), false);
    }
    if (layer instanceof Layer.GlobalAveragePool) {
      return new ImageShape(in.channels(), 1, 1);
    }
    if (layer instanceof Layer.Flatten) {
      return new ImageShape(Math.toIntExact(in.elements()), 1, 1);
    }
    if (layer instanceof Layer.Linear linear) {
      requireChannels(linear.in(), in);
      if (in.height() != 1 || in.width() != 1) {
        throw new IllegalArgumentException("linear input: " + in + " (expected: flattened)");
      }
      return new ImageShape(linear.out(), 1, 1);
    }
    if (layer instanceof Layer.ChannelSlice slice) {
      if (slice.from() < 0 || slice.to() > in.channels() || slice.from() >= slice.to()) {
        throw new IllegalArgumentException(
            "slice [%d, %d) of %d channels".formatted(slice.from(), slice.to(), in.channels()));
      }
      return new ImageShape(slice.to() - slice.from(), in.height(), in.width());
    }
    if (layer instanceof Layer.ChannelPad pad) {
      return new ImageShape(pad.before() + in.channels() + pad.after(), in.height(), in.width());
    }
    if (layer instanceof Layer.ChannelShuffle shuffle) {
      if (shuffle.groups() < 1 || in.channels() % shuffle.groups() != 0) {
        throw new IllegalArgumentException(
            "shuffle groups: %d (expected: a divisor of %d channels)"
                .formatted(shuffle.groups(), in.channels()));
      }
      return in;
    }
    return in; // Activation, Dropout
  }

  private static ImageShape join(Layer layer, List<ImageShape> inputs) {
    if (inputs.size() < 2) {
      throw new IllegalArgumentException(
          "%s has %d inputs (expected: 2 or more)".formatted(layer, inputs.size()));
    }
    ImageShape first = inputs.get(0);
    int channels = first.channels();
    for (ImageShape other : inputs.subList(1, inputs.size())) {
      boolean sameMap = other.height() == first.height() && other.width() == first.width();
      boolean fits =
          layer instanceof Layer.Concat
              ? sameMap
              : other.equals(first)
                  || (layer instanceof Layer.Mul
                      && other.equals(new ImageShape(first.channels(), 1, 1)));
      if (!fits) {
        throw new IllegalArgumentException("inputs %s do not join".formatted(inputs));
      }
      channels += other.channels();
    }
    return layer instanceof Layer.Concat
        ? new ImageShape(channels, first.height(), first.width())
        : first;
  }

  private static ImageShape pooled(ImageShape in, int kernel, int stride, int pad, boolean ceil) {
    return new ImageShape(
        in.channels(),
        window(in.height(), kernel, stride, pad, ceil),
        window(in.width(), kernel, stride, pad, ceil));
  }

  private static int window(int size, int kernel, int stride, int pad, boolean ceil) {
    int span = size + 2 * pad - kernel;
    if (span < 0) {
      throw new IllegalArgumentException(
          "a window of %d does not fit into %d with padding %d: the input is too small for these strides"
              .formatted(kernel, size, pad));
    }
    int out = (ceil ? (span + stride - 1) / stride : span / stride) + 1;
    // PyTorch drops a last ceil window that would start in the right padding.
    return ceil && (out - 1) * stride >= size + pad ? out - 1 : out;
  }

  private static void requireChannels(int expected, ImageShape in) {
    if (in.channels() != expected) {
      throw new IllegalArgumentException(
          "input %s (expected: %d channels)".formatted(in, expected));
    }
  }
}
