package io.stillhouse.lab.tensor;

import io.stillhouse.lab.tensor.ConvolutionKernels.Layout;
import io.stillhouse.lab.tensor.ConvolutionKernels.Shape;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A handful of convolutions that tell good kernels from bad ones in a second. */
final class TellingShapes {
  private static final int BATCH = 16;
  private static final int[] KERNELS = {1, 3};
  private static final int[] SIDES = {2, 5};
  private static final int CHANNELS_IN = 8;

  /** Ordinary numbers of pruned and narrow networks, and those seen to come out wrong. */
  private static final int[] CHANNELS_OUT = {16, 40, 48, 72, 80, 104, 112};

  private TellingShapes() {}

  static List<Shape> all(ScalarType type) {
    List<Shape> shapes = new ArrayList<>();
    for (int kernel : KERNELS) {
      for (int side : SIDES) {
        for (int out : CHANNELS_OUT) {
          shapes.add(square(kernel, side, CHANNELS_IN, out, type));
        }
      }
    }
    return shapes;
  }

  static Shape square(int kernel, int side, int in, int out, ScalarType type) {
    return new Shape(
        Convolution.same(kernel),
        Layout.channelsLast(BATCH, in, side, side),
        Layout.channelsLast(out, in, kernel, kernel),
        false,
        type);
  }
}
