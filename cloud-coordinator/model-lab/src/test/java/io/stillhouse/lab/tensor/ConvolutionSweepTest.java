package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

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
            if (!(error < KernelCheck.ERROR_MAX)) {
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
    List<KernelCheck.Shape> shapes = new ArrayList<>();
    for (int kernel : new int[] {1, 3}) {
      for (int side : new int[] {1, 3, 7}) {
        for (int in : CHANNELS) {
          for (int out : CHANNELS) {
            shapes.add(new KernelCheck.Shape(kernel, side, in, out));
          }
        }
      }
    }
    assertThat(KernelCheck.wrong(shapes, Arithmetic.FP32)).isEmpty();
  }

  @Test
  void the_check_before_use_finds_kernels_that_are_wrong_for_some_channels() {
    List<KernelCheck.Shape> found =
        KernelCheck.wrong(
            KernelCheck.telling(),
            Arithmetic.FP32,
            (x, w) -> {
              Tensor y = KernelCheck.convolution(x, w);
              boolean blockIncomplete = w.size(0) % BLOCK != 0;
              return blockIncomplete && w.scalar_type().intern() == ScalarType.Float
                  ? y.mul(new Scalar(1.01))
                  : y;
            });

    assertThat(found)
        .isNotEmpty()
        .isEqualTo(
            KernelCheck.telling().stream().filter(shape -> shape.out() % BLOCK != 0).toList());
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
