package io.stillhouse.lab.onnximport;

import java.util.Arrays;

/**
 * Numbers that a file carries, row-major. Whole numbers (shapes, axes) are kept as weights are: up
 * to 2^24 they are exact, and no shape here is larger. Not copied: they may be hundreds of
 * megabytes, and nobody here writes to them.
 */
final class ConstantTensor {
  private final int[] dims;
  private final float[] values;
  private final boolean whole;

  /**
   * Numbers in a shape.
   *
   * @param dims empty for a single number
   * @param whole whether they are of a type of whole numbers, which divides without a rest
   */
  ConstantTensor(int[] dims, float[] values, boolean whole) {
    long elements = 1;
    for (int dim : dims) {
      elements = Math.multiplyExact(elements, dim);
    }
    if (elements != values.length) {
      throw new IllegalArgumentException(
          "a tensor of shape %s holds %d numbers".formatted(Arrays.toString(dims), values.length));
    }
    this.dims = dims;
    this.values = values;
    this.whole = whole;
  }

  boolean whole() {
    return whole;
  }

  int[] dims() {
    return dims;
  }

  float[] values() {
    return values;
  }

  /** A shape or axes. */
  static ConstantTensor ofInts(int... values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    return new ConstantTensor(new int[] {values.length}, floats, true);
  }

  /** The same numbers as another type. */
  ConstantTensor cast(boolean toWhole) {
    float[] cast = values;
    if (toWhole && !whole) {
      cast = values.clone();
      for (int i = 0; i < cast.length; i++) {
        cast[i] = (float) (cast[i] < 0 ? Math.ceil(cast[i]) : Math.floor(cast[i]));
      }
    }
    return new ConstantTensor(dims, cast, toWhole);
  }

  /** The one number of a tensor that has just one. */
  float single() {
    if (values.length != 1) {
      throw new IllegalArgumentException(
          "a tensor of shape %s where one number is expected".formatted(Arrays.toString(dims)));
    }
    return values[0];
  }

  /** As shape or axes. */
  int[] ints() {
    int[] ints = new int[values.length];
    for (int i = 0; i < ints.length; i++) {
      if (values[i] != Math.rint(values[i])) {
        throw new IllegalArgumentException(
            "%s where a whole number is expected".formatted(values[i]));
      }
      // Bounds such as "to the end" are written as the largest long.
      ints[i] = (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, values[i]));
    }
    return ints;
  }

  ConstantTensor shaped(int... shape) {
    return new ConstantTensor(shape, values, whole);
  }

  /** Rows and columns exchanged. */
  ConstantTensor transposed() {
    if (dims.length != 2) {
      throw new IllegalArgumentException(
          "a constant of shape %s is transposed (expected: a matrix)"
              .formatted(Arrays.toString(dims)));
    }
    float[] turned = new float[values.length];
    for (int r = 0; r < dims[0]; r++) {
      for (int c = 0; c < dims[1]; c++) {
        turned[c * dims[0] + r] = values[r * dims[1] + c];
      }
    }
    return new ConstantTensor(new int[] {dims[1], dims[0]}, turned, whole);
  }

  @Override
  public String toString() {
    return "constant of shape " + Arrays.toString(dims);
  }
}
