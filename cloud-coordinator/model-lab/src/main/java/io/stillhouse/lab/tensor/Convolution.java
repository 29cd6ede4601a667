package io.stillhouse.lab.tensor;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * One convolution without dilation, in either of two forms that say the same. Callers hold a scope.
 *
 * @param stride of both directions
 * @param padHeight rows of zeros above and below
 * @param padWidth columns of zeros left and right
 * @param groups of channels that see each other
 */
record Convolution(long stride, long padHeight, long padWidth, long groups) {
  private static final long[] UNDILATED = {1, 1};

  /**
   * A way to compute a convolution: of a map (batch, in, height, width) and a weight (out, in /
   * groups, kernel height, kernel width) of the same type, both channels last.
   */
  @FunctionalInterface
  interface Form {
    Tensor apply(Tensor x, Tensor w, TensorOptional bias);
  }

  /** A square kernel's, around which the map keeps its size. */
  static Convolution same(long kernel) {
    return new Convolution(1, kernel / 2, kernel / 2, 1);
  }

  /** The fastest form whose sums are right on this processor. */
  Tensor apply(Tensor x, Tensor w, TensorOptional bias) {
    return ConvolutionKernels.exact(this, x, w, bias) ? byKernel(x, w, bias) : byMatrix(x, w, bias);
  }

  /** By the kernel that the engine has for the shape. */
  Tensor byKernel(Tensor x, Tensor w, TensorOptional bias) {
    return torch.conv2d(x, w, bias, strides(), padding(), UNDILATED, groups);
  }

  /** Unfolded, and multiplied by the matrix library; single precision at least. */
  Tensor byMatrix(Tensor x, Tensor w, TensorOptional bias) {
    ScalarType type = x.scalar_type().intern();
    if (type == ScalarType.BFloat16) {
      return byMatrix(floats(x), floats(w), floats(bias)).to(type);
    }
    if (groups == 1) {
      return torch.thnn_conv2d(x, w, sides(w), bias, strides(), padding());
    }
    long in = w.size(1);
    long out = w.size(0) / groups;
    Convolution one = new Convolution(stride, padHeight, padWidth, 1);
    Tensor[] parts = new Tensor[Math.toIntExact(groups)];
    for (int i = 0; i < parts.length; i++) {
      TensorOptional its =
          bias.has_value()
              ? new TensorOptional(bias.get().narrow(0, i * out, out))
              : new TensorOptional();
      parts[i] =
          one.byMatrix(
              x.narrow(1, i * in, in).contiguous(), w.narrow(0, i * out, out).contiguous(), its);
    }
    return torch.cat(new TensorVector(parts), 1);
  }

  private static Tensor floats(Tensor values) {
    return values.to(ScalarType.Float);
  }

  private static TensorOptional floats(TensorOptional values) {
    return values.has_value() ? new TensorOptional(floats(values.get())) : values;
  }

  private static long[] sides(Tensor w) {
    return new long[] {w.size(2), w.size(3)};
  }

  private long[] strides() {
    return new long[] {stride, stride};
  }

  private long[] padding() {
    return new long[] {padHeight, padWidth};
  }
}
