package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.onnximport.FeatureMap.Form;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Operators that move numbers and compute nothing. */
final class ShapeOperators {
  private static final int[] EXCHANGE = {0, 2, 1, 3, 4};

  private final Reading reading;

  ShapeOperators(Reading reading) {
    this.reading = reading;
  }

  FeatureMap flatten(Operation op) {
    op.require(op.whole("axis", 1) == 1, "axis %d (expected: 1)".formatted(op.whole("axis", 1)));
    return flat(op, reading.map(op, 0));
  }

  private FeatureMap flat(Operation op, FeatureMap in) {
    return in.form() instanceof Form.Flat
        ? in
        : reading.graph().add(op.output(), new Layer.Flatten(), in);
  }

  /** A flattening, nothing at all, or a part of a channel shuffle. */
  FeatureMap reshape(Operation op) {
    FeatureMap in = reading.any(op, 0);
    int[] asked = reading.numbers(op, 1).ints();
    ImageShape shape = in.shape();
    int batch = reading.batch();
    if (in.form() instanceof Form.Split split) {
      int[] dims =
          Dimensions.resolved(asked, new FeatureMap("", shape, FeatureMap.WHOLE).dims(batch));
      op.require(
          split.exchanged() && Arrays.equals(dims, in.in(FeatureMap.WHOLE).dims(batch)),
          "a channel shuffle that does not end in the shape it began with");
      return reading
          .graph()
          .add(op.output(), new Layer.ChannelShuffle(split.groups()), in.in(FeatureMap.WHOLE));
    }
    int[] before = reading.map(op, 0).dims(batch);
    int[] dims = Dimensions.resolved(asked, before);
    if (Arrays.equals(dims, before)) {
      return in;
    }
    if (dims.length == 2 && dims[0] == batch) {
      return flat(op, in);
    }
    if (dims.length == 4 && Arrays.equals(dims, in.in(FeatureMap.WHOLE).dims(batch))) {
      return in.in(FeatureMap.WHOLE);
    }
    boolean splits =
        dims.length == 5
            && dims[0] == batch
            && dims[1] * dims[2] == shape.channels()
            && dims[3] == shape.height()
            && dims[4] == shape.width();
    op.require(
        splits,
        "%s becomes %s (expected: a vector, or groups of channels)"
            .formatted(Arrays.toString(before), Arrays.toString(dims)));
    return in.in(new Form.Split(dims[1], false));
  }

  FeatureMap transpose(Operation op) {
    FeatureMap in = reading.any(op, 0);
    int[] perm = op.wholes("perm");
    if (in.form() instanceof Form.Split split && !split.exchanged()) {
      op.require(Arrays.equals(perm, EXCHANGE), "axes " + Arrays.toString(perm));
      return in.in(new Form.Split(split.groups(), true));
    }
    throw new IllegalArgumentException(
        "axes %s of a map (expected: channels stay first; export the model in NCHW)"
            .formatted(Arrays.toString(perm)));
  }

  /** Height and width of one go, as in a flattening. */
  FeatureMap squeeze(Operation op) {
    FeatureMap in = reading.map(op, 0);
    int[] axes = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("axes");
    int[] places = Arrays.stream(axes).map(axis -> axis < 0 ? axis + 4 : axis).sorted().toArray();
    op.require(
        in.shape().height() * in.shape().width() == 1 && Arrays.equals(places, new int[] {2, 3}),
        "axes %s of %s (expected: height and width of one)"
            .formatted(Arrays.toString(axes), in.shape()));
    return flat(op, in);
  }

  /** A vector gets height and width of one back. */
  FeatureMap unsqueeze(Operation op) {
    FeatureMap in = reading.map(op, 0);
    int[] axes = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("axes");
    int[] places = Arrays.stream(axes).map(axis -> axis < 0 ? axis + 4 : axis).sorted().toArray();
    op.require(
        in.form() instanceof Form.Flat && Arrays.equals(places, new int[] {2, 3}),
        "axes " + Arrays.toString(axes) + " (expected: a vector gets height and width)");
    return in.in(FeatureMap.WHOLE);
  }

  FeatureMap concat(Operation op) {
    List<FeatureMap> parts = new ArrayList<>();
    for (int i = 0; i < op.inputs().size(); i++) {
      parts.add(reading.map(op, i));
    }
    int axis = op.whole("axis", 1);
    op.require(
        axis == 1 || axis + parts.get(0).dims(1).length == 1,
        "axis %d (expected: 1, channels)".formatted(axis));
    return parts.size() == 1
        ? parts.get(0)
        : reading.graph().add(op.output(), new Layer.Concat(), parts.toArray(new FeatureMap[0]));
  }

  FeatureMap slice(Operation op) {
    FeatureMap in = reading.map(op, 0);
    int[] starts = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("starts");
    int[] ends = op.has(2) ? reading.numbers(op, 2).ints() : op.wholes("ends");
    int[] axes = op.has(3) ? reading.numbers(op, 3).ints() : op.wholes("axes", 0);
    int[] steps = op.has(4) ? reading.numbers(op, 4).ints() : new int[] {1};
    op.require(
        starts.length == 1
            && ends.length == 1
            && steps[0] == 1
            && (axes[0] == 1 || axes[0] + in.dims(1).length == 1),
        "starts %s, ends %s, axes %s, steps %s (expected: one range of channels)"
            .formatted(
                Arrays.toString(starts),
                Arrays.toString(ends),
                Arrays.toString(axes),
                Arrays.toString(steps)));
    int channels = in.shape().channels();
    return channels(op, op.output(), in, place(starts[0], channels), place(ends[0], channels));
  }

  private static int place(int index, int channels) {
    return Math.max(0, Math.min(channels, index < 0 ? index + channels : index));
  }

  private FeatureMap channels(Operation op, String name, FeatureMap in, int from, int to) {
    op.require(from < to, "channels %d to %d".formatted(from, to));
    return from == 0 && to == in.shape().channels()
        ? in
        : reading.graph().add(name, new Layer.ChannelSlice(from, to), in);
  }

  /** Every output is a range of channels; gives the first of them. */
  FeatureMap split(Operation op) {
    FeatureMap in = reading.map(op, 0);
    int axis = op.whole("axis", 0);
    op.require(
        axis == 1 || axis + in.dims(1).length == 1,
        "axis %d (expected: 1, channels)".formatted(axis));
    int outputs = op.proto().getOutputCount();
    int channels = in.shape().channels();
    int each = (channels + outputs - 1) / outputs;
    int[] sizes = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("split");
    op.require(
        sizes.length == 0 || (sizes.length == outputs && Arrays.stream(sizes).sum() == channels),
        "parts %s of %d channels".formatted(Arrays.toString(sizes), channels));
    FeatureMap first = in;
    int from = 0;
    for (int i = 0; i < outputs; i++) {
      int to = Math.min(channels, from + (sizes.length == 0 ? each : sizes[i]));
      String name = op.proto().getOutput(i);
      FeatureMap part = channels(op, name, in, from, to);
      reading.set(name, part);
      first = i == 0 ? part : first;
      from = to;
    }
    return first;
  }

  /** Zeros as further channels, or around the map, where the next convolution takes them over. */
  FeatureMap pad(Operation op) {
    FeatureMap in = reading.whole(op, 0);
    int[] pads = op.has(1) ? reading.numbers(op, 1).ints() : op.wholes("pads");
    double value = op.has(2) ? reading.numbers(op, 2).single() : op.real("value", 0);
    op.require(
        op.text("mode", "constant").equals("constant") && value == 0,
        "mode %s, value %s (expected: zeros)".formatted(op.text("mode", "constant"), value));
    op.require(
        pads.length == 8 && pads[0] == 0 && pads[4] == 0,
        "pads " + Arrays.toString(pads) + " (expected: 8, none for the batch)");
    boolean around = pads[2] + pads[3] + pads[6] + pads[7] > 0;
    if (!around) {
      return pads[1] + pads[5] == 0
          ? in
          : reading.graph().add(op.output(), new Layer.ChannelPad(pads[1], pads[5]), in);
    }
    op.require(
        pads[1] + pads[5] == 0 && pads[2] == pads[6] && pads[3] == pads[7],
        "pads %s (expected: as much before as behind)".formatted(Arrays.toString(pads)));
    return in.in(new Form.Padded(pads[2], pads[3]));
  }
}
