package io.stillhouse.lab.compress;

/** A convolution weight in double precision: (out, in, height, width), row-major. */
final class Tensor4 {
  final int out;
  final int in;
  final int height;
  final int width;
  private final double[] values;

  Tensor4(int out, int in, int height, int width) {
    this.out = out;
    this.in = in;
    this.height = height;
    this.width = width;
    this.values = new double[out * in * height * width];
  }

  /** Copies a weight of shape (out, in, height, width), or (out, in) with height and width 1. */
  static Tensor4 of(float[] weight, int... shape) {
    Tensor4 tensor =
        new Tensor4(
            shape[0], shape[1], shape.length > 2 ? shape[2] : 1, shape.length > 2 ? shape[3] : 1);
    for (int i = 0; i < weight.length; i++) {
      tensor.values[i] = weight[i];
    }
    return tensor;
  }

  double get(int o, int i, int y, int x) {
    return values[((o * in + i) * height + y) * width + x];
  }

  void add(int o, int i, int y, int x, double value) {
    values[((o * in + i) * height + y) * width + x] += value;
  }

  /** Sum of squares. */
  double energy() {
    double sum = 0;
    for (double value : values) {
      sum += value * value;
    }
    return sum;
  }

  float[] floats() {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** Rows of the matrix whose rows are output channels and whose columns are everything else. */
  double[][] byOut() {
    double[][] rows = new double[out][in * height * width];
    for (int o = 0; o < out; o++) {
      System.arraycopy(values, o * rows[o].length, rows[o], 0, rows[o].length);
    }
    return rows;
  }

  /** Rows of the matrix whose rows are input channels and whose columns are everything else. */
  double[][] byIn() {
    double[][] rows = new double[in][out * height * width];
    for (int i = 0; i < in; i++) {
      int at = 0;
      for (int o = 0; o < out; o++) {
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            rows[i][at++] = get(o, i, y, x);
          }
        }
      }
    }
    return rows;
  }

  /** Rows are (input channel, kernel row), columns are (output channel, kernel column). */
  double[][] bySpace() {
    double[][] rows = new double[in * height][out * width];
    for (int i = 0; i < in; i++) {
      for (int y = 0; y < height; y++) {
        for (int o = 0; o < out; o++) {
          for (int x = 0; x < width; x++) {
            rows[i * height + y][o * width + x] = get(o, i, y, x);
          }
        }
      }
    }
    return rows;
  }
}
