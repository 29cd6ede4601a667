package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.tensor.Convolution.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Whether the engine's kernel for a convolution is right on this processor. Some of the newer ones
 * (oneDNN of libtorch 2.10, AVX2 and AVX-512) give sums for some shapes that are wrong by as much
 * as the values, and say nothing; so each shape is tried once in a process, forward and back,
 * against double precision, which the engine computes by other means.
 *
 * <p>Thread-safe; shapes are tried one at a time.
 */
final class ConvolutionKernels {
  /** Largest difference that rounding explains, as a share of the largest value. */
  static final double ERROR_MAX = 1e-3;

  /** The same with 8 bits of precision. */
  static final double BF16_ERROR_MAX = 0.05;

  private static final long DIFFERENT_IMAGES_MAX = 4;

  /** Some kilobytes each; a network has dozens, and those of a long life are tried again. */
  private static final int SHAPES_MAX = 4096;

  private static final Map<Shape, Boolean> EXACT = new ConcurrentHashMap<>();

  private ConvolutionKernels() {}

  /**
   * Where a tensor's values lie. Sizes alone do not say it: of a map of one pixel several strides
   * are channels last, and the engine goes by them.
   */
  record Layout(List<Long> sizes, List<Long> strides) {
    Layout {
      sizes = List.copyOf(sizes);
      strides = List.copyOf(strides);
    }

    static Layout of(Tensor tensor) {
      return new Layout(list(tensor.sizes()), list(tensor.strides()));
    }

    /** Four sizes, channels last. */
    static Layout channelsLast(long count, long channels, long height, long width) {
      return new Layout(
          List.of(count, channels, height, width),
          List.of(height * width * channels, 1L, width * channels, channels));
    }

    private static List<Long> list(LongArrayRef numbers) {
      List<Long> list = new ArrayList<>();
      for (long i = 0; i < numbers.size(); i++) {
        list.add(numbers.get(i));
      }
      return list;
    }
  }

  /** All that the choice of a kernel depends on. */
  record Shape(Convolution convolution, Layout x, Layout w, boolean bias, ScalarType type) {
    @Override
    public String toString() {
      return "maps %s, weight %s, %s".formatted(x.sizes(), w.sizes(), convolution);
    }
  }

  /** Whether {@link Convolution#byKernel} may be used for the shape of these; it is tried once. */
  static boolean exact(Convolution convolution, Tensor x, Tensor w, TensorOptional bias) {
    if (TensorRuntime.onlyExactKernels()) {
      return true;
    }
    Shape shape =
        new Shape(
            convolution, Layout.of(x), Layout.of(w), bias.has_value(), x.scalar_type().intern());
    Boolean known = EXACT.get(shape);
    if (known != null) {
      return known;
    }
    // Two threads must not meet the same new kernel (TensorRuntime.inTurn).
    synchronized (EXACT) {
      if (EXACT.size() >= SHAPES_MAX) {
        EXACT.clear();
      }
      return EXACT.computeIfAbsent(
          shape, its -> tried(its, its.convolution()::byKernel, its.convolution()::byMatrix));
    }
  }

  /**
   * Whether the kernel is right for a shape.
   *
   * @throws LabException when neither it nor the other form is
   */
  static boolean tried(Shape shape, Form kernel, Form otherwise) {
    if (exact(shape, kernel)) {
      return true;
    }
    if (!exact(shape, otherwise)) {
      throw new LabException(
          "training engine",
          "it gives wrong sums on this processor for " + shape,
          "Set %s=AVX, whose kernels are exact on every processor tried"
              .formatted(TensorRuntime.KERNELS));
    }
    return false;
  }

  /** Whether a form is right for a shape. */
  static boolean exact(Shape shape, Form form) {
    double most = shape.type() == ScalarType.BFloat16 ? BF16_ERROR_MAX : ERROR_MAX;
    return error(shape, form) < most;
  }

  /** Largest difference from double precision, as a share of the largest value; or NaN. */
  @SuppressWarnings("try") // The mode acts by being closed.
  private static double error(Shape shape, Form form) {
    return NativeScope.run(
        () -> {
          try (AutoGradMode gradients = new AutoGradMode(true)) {
            long count = shape.x().sizes().get(0);
            Tensor kinds =
                torch.arange(new Scalar(count)).remainder(new Scalar(DIFFERENT_IMAGES_MAX));
            // Doubles take long, so each image is computed once.
            List<Tensor> exact =
                results(
                    shape,
                    ScalarType.Double,
                    (x, w, bias) ->
                        shape.convolution().byKernel(x, w, bias).index_select(0, kinds));
            List<Tensor> ours =
                results(
                    shape,
                    shape.type(),
                    (x, w, bias) ->
                        form.apply(laidOut(x.index_select(0, kinds), shape.x()), w, bias));
            double worst = 0;
            for (int i = 0; i < exact.size(); i++) {
              worst = Math.max(worst, difference(ours.get(i), exact.get(i)));
            }
            return worst;
          }
        });
  }

  /**
   * The output, and of the sum of its squares the gradients by the input and by the weight.
   *
   * @param form that is given the different images of a batch, and returns the output of all
   */
  private static List<Tensor> results(Shape shape, ScalarType type, Form form) {
    List<Long> sizes = shape.x().sizes();
    long different = Math.min(sizes.get(0), DIFFERENT_IMAGES_MAX);
    Tensor x = noise(type, 1, different, sizes.get(1), sizes.get(2), sizes.get(3));
    Tensor w = laidOut(noise(type, 2, array(shape.w().sizes())), shape.w());
    x.set_requires_grad(true);
    w.set_requires_grad(true);
    TensorOptional bias =
        shape.bias()
            ? new TensorOptional(noise(type, 3, shape.w().sizes().get(0)))
            : new TensorOptional();
    Tensor y = form.apply(x, w, bias);
    y.mul(y).sum().backward();
    return List.of(y, x.grad(), w.grad());
  }

  /** Between -1 and 1, the same each time; the engine's own draws belong to training. */
  private static Tensor noise(ScalarType type, int seed, long... sizes) {
    long count = Arrays.stream(sizes).reduce(1, Math::multiplyExact);
    return torch
        .arange(new Scalar(count))
        .to(ScalarType.Double)
        .add(new Scalar(seed / 7.0))
        .mul(new Scalar(12.9898))
        .sin()
        .mul(new Scalar(43758.5453))
        .frac()
        .to(type)
        .reshape(sizes);
  }

  private static Tensor laidOut(Tensor values, Layout layout) {
    return torch
        .empty_strided(
            array(layout.sizes()), array(layout.strides()), new TensorOptions(values.scalar_type()))
        .copy_(values);
  }

  private static long[] array(List<Long> numbers) {
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  private static double difference(Tensor actual, Tensor exact) {
    double difference = actual.to(ScalarType.Double).sub(exact).abs().max().item_double();
    return difference / exact.abs().max().item_double();
  }
}
