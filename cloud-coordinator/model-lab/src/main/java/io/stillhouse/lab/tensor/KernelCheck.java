package io.stillhouse.lab.tensor;

import io.stillhouse.model.recipe.Arithmetic;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Whether the engine's convolutions say the same in the arithmetic of training as in double
 * precision, which it computes by other means. On some processors its newer kernels (oneDNN of
 * libtorch 2.10, channels last) give sums for some numbers of channels that are wrong by as much as
 * the values, and say nothing.
 */
final class KernelCheck {
  /** Largest difference that rounding explains, as a share of the largest value. */
  static final double ERROR_MAX = 1e-3;

  /** The same with 8 bits of precision. */
  static final double BF16_ERROR_MAX = 0.05;

  private static final int BATCH = 16;
  private static final long SEED = 31;
  private static final int[] KERNELS = {1, 3};
  private static final int[] SIDES = {2, 5};
  private static final int CHANNELS_IN = 8;

  /** Ordinary numbers of pruned and narrow networks, and those seen to come out wrong. */
  private static final int[] CHANNELS_OUT = {16, 40, 48, 72, 80, 104, 112};

  private KernelCheck() {}

  /** One convolution. */
  record Shape(int kernel, int side, int in, int out) {
    @Override
    public String toString() {
      return "kernel %d, side %d, %d to %d channels".formatted(kernel, side, in, out);
    }
  }

  /** A handful of shapes that tell good kernels from bad ones in a fraction of a second. */
  static List<Shape> telling() {
    List<Shape> shapes = new ArrayList<>();
    for (int kernel : KERNELS) {
      for (int side : SIDES) {
        for (int out : CHANNELS_OUT) {
          shapes.add(new Shape(kernel, side, CHANNELS_IN, out));
        }
      }
    }
    return shapes;
  }

  /** The shapes for which the engine's own convolution is wrong, forward or back. */
  static List<Shape> wrong(List<Shape> shapes, Arithmetic arithmetic) {
    return wrong(shapes, arithmetic, KernelCheck::convolution);
  }

  /**
   * The same for any convolution.
   *
   * @param convolution of an input and a weight, padded so that the map keeps its size
   */
  static List<Shape> wrong(
      List<Shape> shapes, Arithmetic arithmetic, BinaryOperator<Tensor> convolution) {
    boolean bf16 = arithmetic == Arithmetic.BF16;
    ScalarType type = bf16 ? ScalarType.BFloat16 : ScalarType.Float;
    double most = bf16 ? BF16_ERROR_MAX : ERROR_MAX;
    return shapes.stream().filter(shape -> !(error(shape, type, convolution) < most)).toList();
  }

  private static double error(Shape shape, ScalarType type, BinaryOperator<Tensor> convolution) {
    return NativeScope.run(
        () -> {
          torch.manual_seed(SEED);
          Tensor x = torch.randn(BATCH, shape.in(), shape.side(), shape.side());
          Tensor w = torch.randn(shape.out(), shape.in(), shape.kernel(), shape.kernel());
          List<Tensor> exact = results(x, w, ScalarType.Double, convolution);
          List<Tensor> ours = results(x, w, type, convolution);
          double worst = 0;
          for (int i = 0; i < exact.size(); i++) {
            worst = Math.max(worst, difference(ours.get(i), exact.get(i)));
          }
          return worst;
        });
  }

  /** The output, and of the sum of its squares the gradients by the input and by the weight. */
  private static List<Tensor> results(
      Tensor x, Tensor w, ScalarType type, BinaryOperator<Tensor> convolution) {
    Tensor input = x.to(type).contiguous(torch.MemoryFormat.ChannelsLast);
    Tensor weight = w.to(type).contiguous(torch.MemoryFormat.ChannelsLast);
    input.set_requires_grad(true);
    weight.set_requires_grad(true);
    Tensor y = convolution.apply(input, weight);
    y.mul(y).sum().backward();
    return List.of(y, input.grad(), weight.grad());
  }

  private static double difference(Tensor actual, Tensor exact) {
    double difference = actual.to(ScalarType.Double).sub(exact).abs().max().item_double();
    return difference / exact.abs().max().item_double();
  }

  /** The engine's own, padded so that the map keeps its size. */
  static Tensor convolution(Tensor x, Tensor w) {
    long pad = w.size(2) / 2;
    return torch.conv2d(
        x, w, new TensorOptional(), new long[] {1, 1}, new long[] {pad, pad}, new long[] {1, 1}, 1);
  }
}
