package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.tensor.ConvolutionKernels.Layout;
import io.stillhouse.lab.tensor.ConvolutionKernels.Shape;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The engine's convolutions against arithmetic in double precision, on small maps. */
class ConvolutionSweepTest {
  private static final long SEED = 31;
  private static final int BATCH = 16;
  private static final int BLOCK = 16;

  /**
   * Numbers that pruning leaves; several are wrong with the engine's newer kernels on AMD's
   * processors.
   */
  private static final int[] CHANNELS = {8, 16, 20, 40, 48, 64, 72, 80, 104, 112};

  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());

  @Test
  void a_batch_says_what_its_images_say_one_by_one() {
    List<String> wrong = new ArrayList<>();
    for (int kernel : new int[] {1, 3}) {
      for (int side : new int[] {2, 3, 5}) {
        for (int out : CHANNELS) {
          for (int stride : new int[] {1, 2}) {
            double error = error(kernel, stride, side, 8, out);
            if (!(error < ConvolutionKernels.ERROR_MAX)) {
              wrong.add(
                  "kernel %d, stride %d, side %d, to %d channels: %.3f"
                      .formatted(kernel, stride, side, out, error));
            }
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void gradients_are_those_of_double_precision() {
    List<Shape> wrong = new ArrayList<>();
    for (int kernel : new int[] {1, 3}) {
      for (int side : new int[] {1, 3, 7}) {
        for (int in : CHANNELS) {
          for (int out : CHANNELS) {
            Shape shape = TellingShapes.square(kernel, side, in, out, ScalarType.Float);
            if (!ConvolutionKernels.exact(shape, shape.convolution()::apply)) {
              wrong.add(shape);
            }
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void a_kernel_that_is_wrong_for_some_channels_is_found_out() {
    List<Shape> found =
        TellingShapes.all(ScalarType.Float).stream()
            .filter(shape -> !ConvolutionKernels.exact(shape, wrongInTheLastBlock(shape)))
            .toList();

    assertThat(found)
        .isNotEmpty()
        .isEqualTo(
            TellingShapes.all(ScalarType.Float).stream()
                .filter(shape -> shape.w().sizes().get(0) % BLOCK != 0)
                .toList());
  }

  @Test
  void the_other_form_is_taken_where_the_kernel_is_wrong_and_neither_where_both_are() {
    Shape shape = TellingShapes.square(3, 5, 8, 40, ScalarType.Float);
    Convolution.Form right = shape.convolution()::byMatrix;
    Convolution.Form wrong = wrongInTheLastBlock(shape);

    assertThat(ConvolutionKernels.tried(shape, right, wrong)).isTrue();
    assertThat(ConvolutionKernels.tried(shape, wrong, right)).isFalse();
    assertThatThrownBy(() -> ConvolutionKernels.tried(shape, wrong, wrong))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("[40, 8, 3, 3]")
        .hasMessageContaining("ONEDNN_MAX_CPU_ISA=AVX");
  }

  private static Convolution.Form wrongInTheLastBlock(Shape shape) {
    return (x, w, bias) -> {
      Tensor y = shape.convolution().byMatrix(x, w, bias);
      return w.size(0) % BLOCK == 0 ? y : y.mul(new Scalar(1.01));
    };
  }

  @ParameterizedTest
  @CsvSource({
    // kernel height, kernel width, stride, groups, bias
    "3, 3, 1, 1, false",
    "3, 3, 2, 1, true",
    "1, 1, 1, 1, true",
    "1, 5, 1, 2, true",
    "3, 1, 2, 4, false",
    "3, 3, 1, 24, true",
  })
  void a_product_of_matrices_is_the_same_convolution(
      int height, int width, int stride, int groups, boolean bias) {
    for (ScalarType type : List.of(ScalarType.Float, ScalarType.BFloat16)) {
      Convolution convolution = new Convolution(stride, height / 2, width / 2, groups);
      Shape shape =
          new Shape(
              convolution,
              Layout.channelsLast(3, 24, 9, 7),
              Layout.channelsLast(48, 24 / groups, height, width),
              bias,
              type);
      assertThat(ConvolutionKernels.exact(shape, convolution::byMatrix))
          .as(shape.type() + " " + shape)
          .isTrue();
    }
  }

  /** Largest difference of an output, as a share of the largest output. */
  private static double error(int kernel, int stride, int side, int in, int out) {
    NetworkGraph graph =
        new NetworkGraph(
            "sweep",
            new ImageShape(in, side, side),
            out,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("conv", Layer.Conv.of(in, out, kernel, stride, 1), List.of("input")),
                new Node("pool", new Layer.GlobalAveragePool(), List.of("conv"))));
    Network network = RandomWeights.of(graph, SEED);
    Random random = new Random(SEED);
    int each = in * side * side;
    float[] images = new float[BATCH * each];
    List<double[]> expected = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      float[] image = Networks.image(graph.input(), random);
      System.arraycopy(image, 0, images, i * each, each);
      expected.add(PlainRunner.run(network, image));
    }
    double largest = 1e-9;
    double worst = 0;
    try (GraphRunner runner = new GraphRunner(RUNTIME, network)) {
      float[] actual = runner.logits(images);
      for (int i = 0; i < BATCH; i++) {
        for (int c = 0; c < out; c++) {
          largest = Math.max(largest, Math.abs(expected.get(i)[c]));
          worst = Math.max(worst, Math.abs(expected.get(i)[c] - actual[i * out + c]));
        }
      }
    }
    return worst / largest;
  }
}
