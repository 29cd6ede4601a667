package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.onnximport.FeatureMap.Form;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import java.util.Arrays;

/** Operators that look at a window of the map: convolution and pooling. */
final class WindowOperators {
  private final Reading reading;

  WindowOperators(Reading reading) {
    this.reading = reading;
  }

  FeatureMap conv(Operation op) {
    FeatureMap read = reading.any(op, 0);
    Form.Padded around = read.form() instanceof Form.Padded padded ? padded : new Form.Padded(0, 0);
    FeatureMap in =
        read.form() instanceof Form.Padded ? read.in(FeatureMap.WHOLE) : reading.whole(op, 0);
    ConstantTensor weight = reading.numbers(op, 1);
    int[] dims = weight.dims();
    op.require(
        dims.length == 4,
        "its weight has %d dimensions (expected: 4, a convolution over height and width)"
            .formatted(dims.length));
    int groups = op.whole("group", 1);
    Window window = Window.of(op, new int[] {dims[2], dims[3]}, in.shape());
    boolean bias = op.has(2);
    FeatureMap made =
        reading
            .graph()
            .add(
                op.output(),
                new Layer.Conv(
                    dims[1] * groups,
                    dims[0],
                    dims[2],
                    dims[3],
                    window.stride(),
                    window.padHeight() + around.height(),
                    window.padWidth() + around.width(),
                    groups,
                    bias),
                in);
    reading.graph().weigh(made, ".weight", weight.values(), dims);
    if (bias) {
      reading.graph().weigh(made, ".bias", reading.numbers(op, 2).values(), dims[0]);
    }
    return made;
  }

  FeatureMap maxPool(Operation op) {
    FeatureMap in = reading.whole(op, 0);
    Window window = Window.of(op, op.wholes("kernel_shape"), in.shape()).square();
    op.require(op.proto().getOutputCount() < 2, "it gives indices as well");
    return reading
        .graph()
        .add(
            op.output(),
            new Layer.MaxPool(
                window.height(),
                window.stride(),
                window.padHeight(),
                op.whole("ceil_mode", 0) == 1),
            in);
  }

  FeatureMap averagePool(Operation op) {
    FeatureMap in = reading.whole(op, 0);
    Window window = Window.of(op, op.wholes("kernel_shape"), in.shape());
    ImageShape shape = in.shape();
    if (window.height() == shape.height()
        && window.width() == shape.width()
        && window.padHeight() + window.padWidth() == 0) {
      return reading.graph().add(op.output(), new Layer.GlobalAveragePool(), in);
    }
    window = window.square();
    op.require(
        window.padHeight() == 0 || op.whole("count_include_pad", 0) == 1,
        "its padding does not count as elements (expected: count_include_pad 1)");
    boolean even =
        (shape.height() + 2 * window.padHeight() - window.height()) % window.stride() == 0
            && (shape.width() + 2 * window.padWidth() - window.width()) % window.stride() == 0;
    op.require(op.whole("ceil_mode", 0) == 0 || even, "ceil_mode 1 (expected: 0)");
    return reading
        .graph()
        .add(
            op.output(),
            new Layer.AveragePool(window.height(), window.stride(), window.padHeight()),
            in);
  }

  FeatureMap globalAveragePool(Operation op) {
    return reading.graph().add(op.output(), new Layer.GlobalAveragePool(), reading.whole(op, 0));
  }

  FeatureMap globalMaxPool(Operation op) {
    FeatureMap in = reading.whole(op, 0);
    op.require(
        in.shape().height() == in.shape().width(),
        "its map is %s (expected: a square)".formatted(in.shape()));
    return reading
        .graph()
        .add(op.output(), new Layer.MaxPool(in.shape().height(), 1, 0, false), in);
  }

  /** The mean over height and width; other means have no layer. */
  FeatureMap mean(Operation op) {
    FeatureMap in = reading.whole(op, 0);
    int[] axes = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("axes");
    int[] places = Arrays.stream(axes).map(axis -> axis < 0 ? axis + 4 : axis).sorted().toArray();
    op.require(
        Arrays.equals(places, new int[] {2, 3}),
        "mean over axes %s (expected: height and width)".formatted(Arrays.toString(axes)));
    FeatureMap pooled = reading.graph().add(op.output(), new Layer.GlobalAveragePool(), in);
    return op.whole("keepdims", 1) == 1
        ? pooled
        : reading.graph().add(op.output() + ".flat", new Layer.Flatten(), pooled);
  }

  /** Where a window lies. One stride serves both directions, because a layer has one. */
  private record Window(int height, int width, int stride, int padHeight, int padWidth) {

    static Window of(Operation op, int[] kernel, ImageShape map) {
      op.require(
          kernel.length == 2, "kernel of %d dimensions (expected: 2)".formatted(kernel.length));
      int[] strides = op.wholes("strides", 1, 1);
      int[] dilations = op.wholes("dilations", 1, 1);
      op.require(
          strides.length == 2
              && (strides[0] == strides[1] || map.height() == 1 || map.width() == 1),
          "strides %s (expected: equal ones)".formatted(Arrays.toString(strides)));
      op.require(
          Arrays.stream(dilations).allMatch(d -> d == 1),
          "dilations %s (expected: 1)".formatted(Arrays.toString(dilations)));
      int stride = map.height() == 1 ? strides[1] : strides[0];
      int[] pads = pads(op, kernel, stride, map);
      op.require(
          pads.length == 4 && pads[0] == pads[2] && pads[1] == pads[3],
          "pads %s (expected: as much before as behind)".formatted(Arrays.toString(pads)));
      return new Window(kernel[0], kernel[1], stride, pads[0], pads[1]);
    }

    /** Top, left, bottom, right. */
    private static int[] pads(Operation op, int[] kernel, int stride, ImageShape map) {
      String rule = op.text("auto_pad", "NOTSET");
      return switch (rule) {
        case "NOTSET" -> op.wholes("pads", 0, 0, 0, 0);
        case "VALID" -> new int[4];
        case "SAME_UPPER", "SAME_LOWER" -> {
          int tall = same(map.height(), kernel[0], stride);
          int wide = same(map.width(), kernel[1], stride);
          yield new int[] {tall / 2, wide / 2, tall - tall / 2, wide - wide / 2};
        }
        default -> throw new IllegalArgumentException("auto_pad " + rule);
      };
    }

    private static int same(int size, int kernel, int stride) {
      int out = (size + stride - 1) / stride;
      return Math.max(0, (out - 1) * stride + kernel - size);
    }

    Window square() {
      if (height != width || padHeight != padWidth) {
        throw new IllegalArgumentException(
            "kernel %dx%d, padding %d and %d (expected: the same in both directions)"
                .formatted(height, width, padHeight, padWidth));
      }
      return this;
    }
  }
}
