package io.stillhouse.lab.onnximport;

import io.stillhouse.lab.export.onnx.AttributeProto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Nodes that compute numbers from numbers, among them the arithmetic on shapes in which exporters
 * spell a flattening: Shape, Gather, Unsqueeze, Concat, Reshape.
 */
final class ConstantFolding {
  private final Reading reading;
  private final TensorReader tensors;

  ConstantFolding(Reading reading, TensorReader tensors) {
    this.reading = reading;
    this.tensors = tensors;
  }

  /** The result, if the node has one that needs no image. */
  Optional<ConstantTensor> fold(Operation op) throws IOException {
    if (op.type().equals("Constant")) {
      return Optional.of(constant(op));
    }
    if (op.type().equals("Shape") && op.has(0) && !reading.constant(op.input(0))) {
      int[] dims = reading.map(op, 0).dims(reading.batch());
      int from = place(op.whole("start", 0), dims.length);
      int to = place(op.whole("end", dims.length), dims.length);
      return Optional.of(ConstantTensor.ofInts(Arrays.copyOfRange(dims, from, Math.max(from, to))));
    }
    Optional<List<ConstantTensor>> inputs = reading.allNumbers(op);
    if (inputs.isEmpty() || inputs.get().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(folded(op, inputs.get()));
  }

  private ConstantTensor constant(Operation op) throws IOException {
    Optional<AttributeProto> value = op.attribute("value");
    if (value.isPresent()) {
      return tensors.read(value.get().getT());
    }
    if (op.sets("value_float")) {
      return new ConstantTensor(new int[0], new float[] {op.real("value_float", 0)}, false);
    }
    if (op.sets("value_int")) {
      return new ConstantTensor(new int[0], new float[] {op.whole("value_int", 0)}, true);
    }
    if (op.sets("value_ints")) {
      return ConstantTensor.ofInts(op.wholes("value_ints"));
    }
    throw new IllegalArgumentException("its value is neither a tensor nor a number");
  }

  private static ConstantTensor folded(Operation op, List<ConstantTensor> in) {
    ConstantTensor x = in.get(0);
    return switch (op.type()) {
      case "Identity", "Dropout" -> x;
      case "Cast" -> x.cast(TensorReader.whole(op.whole("to", 0)));
      case "Shape" -> ConstantTensor.ofInts(x.dims());
      case "Transpose" -> x.transposed();
      case "Reshape", "Flatten" -> reshaped(op, x, in);
      case "Squeeze", "Unsqueeze" -> x.shaped(axesChanged(op, x, in));
      case "Concat" -> joined(in);
      case "Gather" -> gathered(x, in.get(1));
      case "Slice" -> sliced(op, x, in);
      case "Add", "Sub", "Mul", "Div" -> combined(op.type(), x, in.get(1));
      default ->
          throw new IllegalArgumentException(
              "it computes a constant (expected: weights as plain numbers, so no quantized model)");
    };
  }

  private static ConstantTensor reshaped(Operation op, ConstantTensor x, List<ConstantTensor> in) {
    int[] asked = op.type().equals("Flatten") ? new int[] {x.dims()[0], -1} : in.get(1).ints();
    return x.shaped(Dimensions.resolved(asked, x.dims()));
  }

  /** Dimensions of one that come or go hold no numbers, so only their count matters. */
  private static int[] axesChanged(Operation op, ConstantTensor x, List<ConstantTensor> in) {
    int[] axes = in.size() > 1 ? in.get(1).ints() : op.wholes("axes");
    boolean more = op.type().equals("Unsqueeze");
    List<Integer> dims = new ArrayList<>();
    Arrays.stream(x.dims()).forEach(dims::add);
    int rank = more ? dims.size() + axes.length : dims.size();
    int[] places =
        Arrays.stream(axes).map(axis -> axis < 0 ? axis + rank : axis).sorted().toArray();
    if (more) {
      for (int at : places) {
        dims.add(at, 1);
      }
    } else if (places.length == 0) {
      dims.removeIf(dim -> dim == 1);
    } else {
      for (int i = places.length - 1; i >= 0; i--) {
        dims.remove(places[i]);
      }
    }
    return dims.stream().mapToInt(Integer::intValue).toArray();
  }

  private static ConstantTensor joined(List<ConstantTensor> parts) {
    int total = parts.stream().mapToInt(p -> requireVector(p).length).sum();
    float[] all = new float[total];
    int at = 0;
    for (ConstantTensor part : parts) {
      System.arraycopy(part.values(), 0, all, at, part.values().length);
      at += part.values().length;
    }
    return new ConstantTensor(new int[] {total}, all, parts.get(0).whole());
  }

  private static ConstantTensor gathered(ConstantTensor from, ConstantTensor at) {
    float[] values = requireVector(from);
    float[] taken = new float[at.values().length];
    int[] places = at.ints();
    for (int i = 0; i < taken.length; i++) {
      taken[i] = values[places[i] < 0 ? places[i] + values.length : places[i]];
    }
    return new ConstantTensor(at.dims(), taken, from.whole());
  }

  private static ConstantTensor sliced(Operation op, ConstantTensor x, List<ConstantTensor> in) {
    float[] values = requireVector(x);
    int start = in.size() > 1 ? in.get(1).ints()[0] : op.wholes("starts", 0)[0];
    int end = in.size() > 2 ? in.get(2).ints()[0] : op.wholes("ends", values.length)[0];
    int from = place(start, values.length);
    float[] taken = Arrays.copyOfRange(values, from, Math.max(from, place(end, values.length)));
    return new ConstantTensor(new int[] {taken.length}, taken, x.whole());
  }

  private static int place(int index, int size) {
    return Math.max(0, Math.min(size, index < 0 ? index + size : index));
  }

  private static ConstantTensor combined(String type, ConstantTensor a, ConstantTensor b) {
    ConstantTensor large = a.values().length >= b.values().length ? a : b;
    int count = large.values().length;
    if (Math.min(a.values().length, b.values().length) != count
        && Math.min(a.values().length, b.values().length) != 1) {
      throw new IllegalArgumentException("it combines %s and %s".formatted(a, b));
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float x = a.values()[a.values().length == 1 ? 0 : i];
      float y = b.values()[b.values().length == 1 ? 0 : i];
      values[i] =
          switch (type) {
            case "Add" -> x + y;
            case "Sub" -> x - y;
            case "Mul" -> x * y;
            default -> x / y;
          };
    }
    ConstantTensor result = new ConstantTensor(large.dims(), values, false);
    return a.whole() && b.whole() ? result.cast(true) : result;
  }

  private static float[] requireVector(ConstantTensor tensor) {
    if (tensor.dims().length > 1) {
      throw new IllegalArgumentException("it works on a %s (expected: a shape)".formatted(tensor));
    }
    return tensor.values();
  }
}
