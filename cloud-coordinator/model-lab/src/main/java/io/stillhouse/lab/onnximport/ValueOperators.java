package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.onnximport.FeatureMap.Form;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Operators that compute new numbers at each place: weights, normalisation, functions, sums. */
final class ValueOperators {
  /** Three and six as exporters write them, rounded to 16 bits at worst. */
  private static final double NEAR = 1e-3;

  private final Reading reading;

  ValueOperators(Reading reading) {
    this.reading = reading;
  }

  FeatureMap gemm(Operation op) {
    FeatureMap in = flat(op);
    op.require(op.whole("transA", 0) == 0, "transA 1 (expected: 0)");
    ConstantTensor given = reading.numbers(op, 1);
    ConstantTensor weight = op.whole("transB", 0) == 1 ? given : given.transposed();
    return linear(
        op,
        in,
        scaled(weight, op.real("alpha", 1)),
        reading.optional(op, 2).map(bias -> scaled(bias, op.real("beta", 1))));
  }

  FeatureMap matMul(Operation op) {
    return linear(op, flat(op), reading.numbers(op, 1).transposed(), Optional.empty());
  }

  private FeatureMap flat(Operation op) {
    FeatureMap in = reading.map(op, 0);
    op.require(in.form() instanceof Form.Flat, "it reads a map (expected: a vector)");
    return in;
  }

  private FeatureMap linear(
      Operation op, FeatureMap in, ConstantTensor weight, Optional<ConstantTensor> bias) {
    int[] dims = weight.dims();
    op.require(dims.length == 2, "its weight is a " + weight + " (expected: a matrix)");
    FeatureMap made =
        reading.graph().add(op.output(), new Layer.Linear(dims[1], dims[0], bias.isPresent()), in);
    reading.graph().weigh(made, ".weight", weight.values(), dims);
    bias.ifPresent(b -> reading.graph().weigh(made, ".bias", spread(op, b, dims[0]), dims[0]));
    return made;
  }

  private static ConstantTensor scaled(ConstantTensor tensor, float by) {
    if (by == 1) {
      return tensor;
    }
    float[] values = tensor.values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] *= by;
    }
    return new ConstantTensor(tensor.dims(), values, false);
  }

  private static float[] spread(Operation op, ConstantTensor bias, int channels) {
    if (bias.values().length == 1) {
      float[] all = new float[channels];
      Arrays.fill(all, bias.values()[0]);
      return all;
    }
    op.require(
        bias.values().length == channels,
        "its bias is a %s (expected: %d numbers)".formatted(bias, channels));
    return bias.values();
  }

  FeatureMap batchNorm(Operation op) {
    FeatureMap in = reading.map(op, 0);
    op.require(
        op.whole("training_mode", 0) == 0, "training_mode 1 (expected: export for inference)");
    int channels = in.shape().channels();
    // ONNX weighs the running value, this graph the newest batch.
    FeatureMap made =
        reading
            .graph()
            .add(
                op.output(),
                new Layer.BatchNorm(
                    channels,
                    // Through text, because 1e-5f is not 1e-5.
                    Double.parseDouble(Float.toString(op.real("epsilon", 1e-5f))),
                    1 - Double.parseDouble(Float.toString(op.real("momentum", 0.9f)))),
                in);
    List<String> parts = List.of(".gamma", ".beta", ".mean", ".var");
    for (int i = 0; i < parts.size(); i++) {
      reading
          .graph()
          .weigh(made, parts.get(i), spread(op, reading.numbers(op, i + 1), channels), channels);
    }
    return made;
  }

  FeatureMap activation(Operation op, Function function) {
    return activation(op, function, reading.map(op, 0));
  }

  private FeatureMap activation(Operation op, Function function, FeatureMap in) {
    return reading.graph().add(op.output(), new Layer.Activation(function), in);
  }

  FeatureMap hardSigmoid(Operation op) {
    float alpha = op.real("alpha", 0.2f);
    float beta = op.real("beta", 0.5f);
    op.require(
        near(alpha, 1 / 6.0) && near(beta, 0.5),
        "alpha %s, beta %s (expected: 1/6 and 1/2)".formatted(alpha, beta));
    return activation(op, Function.HARD_SIGMOID);
  }

  FeatureMap clip(Operation op) {
    float low = bound(op, 1, "min", -Float.MAX_VALUE);
    float high = bound(op, 2, "max", Float.MAX_VALUE);
    FeatureMap in = reading.any(op, 0);
    if (in.form() instanceof Form.HardPart part && !part.clipped() && low == 0 && high == 6) {
      return in.in(new Form.HardPart(true, false));
    }
    op.require(
        low == 0 && (high == 6 || high >= Float.MAX_VALUE),
        "%s to %s (expected: 0 to 6, or 0 without an end)".formatted(low, high));
    return activation(op, high == 6 ? Function.RELU6 : Function.RELU);
  }

  private float bound(Operation op, int input, String attribute, float otherwise) {
    return reading
        .optional(op, input)
        .map(ConstantTensor::single)
        .orElseGet(() -> op.real(attribute, otherwise));
  }

  /** Two maps, a bias that stands apart, or the beginning of a hard swish. */
  FeatureMap add(Operation op) {
    int fixed = fixed(op);
    if (fixed < 0) {
      return joined(op, new Layer.Add());
    }
    FeatureMap in = reading.map(op, 1 - fixed);
    ConstantTensor numbers = reading.numbers(op, fixed);
    int channels = in.shape().channels();
    boolean perChannel =
        numbers.values().length == channels
            && channelAxis(numbers.dims(), in.dims(1).length) == channels;
    if ((perChannel || numbers.values().length == 1)
        && reading.alone(op.input(1 - fixed))
        && reading.graph().bias(in, spread(op, numbers, channels))) {
      return in;
    }
    op.require(
        numbers.values().length == 1 && near(numbers.values()[0], 3),
        "it adds a %s (expected: two maps, or the bias of a layer without one)".formatted(numbers));
    return in.in(new Form.HardPart(false, false));
  }

  /** The size of the channel axis in a constant that is broadcast to a map or a vector. */
  private static int channelAxis(int[] dims, int rank) {
    int behind = rank - 2;
    for (int i = dims.length - 1; i >= Math.max(0, dims.length - behind); i--) {
      if (dims[i] != 1) {
        return -1;
      }
    }
    int axis = dims.length - 1 - behind;
    return axis < 0 ? -1 : dims[axis];
  }

  /** Which input of two is a constant; -1 for neither. */
  private int fixed(Operation op) {
    return reading.constant(op.input(0)) ? 0 : reading.constant(op.input(1)) ? 1 : -1;
  }

  FeatureMap multiply(Operation op) {
    int fixed = fixed(op);
    if (fixed >= 0) {
      return hardEnd(op, 1 - fixed, 1.0 / reading.numbers(op, fixed).single());
    }
    for (int i = 0; i < 2; i++) {
      FeatureMap gate = reading.any(op, i);
      FeatureMap other = reading.any(op, 1 - i);
      boolean same = gate.node().equals(other.node());
      if (gate.form() instanceof Form.HardPart part && part.clipped() && same) {
        return gate.in(new Form.HardPart(true, true));
      }
      Optional<Function> swish = swish(op, i, gate, other);
      if (swish.isPresent()) {
        return activation(op, swish.get(), other);
      }
    }
    return joined(op, new Layer.Mul());
  }

  /** x * sigmoid(x) and x * hardSigmoid(x) have names. */
  private Optional<Function> swish(Operation op, int gateInput, FeatureMap gate, FeatureMap other) {
    if (!reading.alone(op.input(gateInput))
        || !(reading.graph().layer(gate) instanceof Layer.Activation activation)
        || !reading.graph().reads(gate).equals(Optional.of(other.node()))) {
      return Optional.empty();
    }
    return switch (activation.function()) {
      case SIGMOID -> Optional.of(Function.SILU);
      case HARD_SIGMOID -> Optional.of(Function.HARD_SWISH);
      default -> Optional.empty();
    };
  }

  FeatureMap divide(Operation op) {
    return hardEnd(op, 0, reading.numbers(op, 1).single());
  }

  private FeatureMap hardEnd(Operation op, int input, double by) {
    FeatureMap in = reading.any(op, input);
    op.require(
        in.form() instanceof Form.HardPart part && part.clipped() && near(by, 6),
        "it scales by a constant (expected: two maps, or the six of a hard swish)");
    boolean swish = in.form() instanceof Form.HardPart part && part.multiplied();
    return activation(
        op, swish ? Function.HARD_SWISH : Function.HARD_SIGMOID, in.in(FeatureMap.WHOLE));
  }

  private static boolean near(double value, double wanted) {
    return Math.abs(value - wanted) <= NEAR * wanted;
  }

  /** A sum or product of maps. A product has the one that is a single pixel behind. */
  FeatureMap joined(Operation op, Layer layer) {
    List<FeatureMap> parts = new ArrayList<>();
    for (int i = 0; i < op.inputs().size(); i++) {
      parts.add(reading.map(op, i));
    }
    if (layer instanceof Layer.Mul
        && parts.size() == 2
        && parts.get(0).shape().elements() < parts.get(1).shape().elements()) {
      Collections.reverse(parts);
    }
    return reading.graph().add(op.output(), layer, parts.toArray(new FeatureMap[0]));
  }

  FeatureMap dropout(Operation op) {
    double share = op.has(1) ? reading.numbers(op, 1).single() : op.real("ratio", 0.5f);
    return reading.graph().add(op.output(), new Layer.Dropout(share), reading.map(op, 0));
  }

  FeatureMap probabilities(Operation op) {
    FeatureMap in = reading.map(op, 0);
    return in.in(new Form.Probabilities(in.form()));
  }
}
