package io.stillhouse.lab.onnximport;

import java.util.Arrays;

/** Shapes as ONNX writes them. */
final class Dimensions {
  private Dimensions() {}

  /** A shape in which 0 stands for the dimension before and one -1 for what is left. */
  static int[] resolved(int[] asked, int[] before) {
    int[] dims = asked.clone();
    long elements = Arrays.stream(before).asLongStream().reduce(1, Math::multiplyExact);
    long known = 1;
    int open = -1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == 0 && i < before.length) {
        dims[i] = before[i];
      }
      if (dims[i] == -1 && open < 0) {
        open = i;
      } else {
        known = Math.multiplyExact(known, dims[i]);
      }
    }
    if (open >= 0 && known > 0 && elements % known == 0) {
      dims[open] = Math.toIntExact(elements / known);
      known = elements;
    }
    if (known != elements) {
      throw new IllegalArgumentException(
          "shape %s cannot become %s".formatted(Arrays.toString(before), Arrays.toString(asked)));
    }
    return dims;
  }
}
