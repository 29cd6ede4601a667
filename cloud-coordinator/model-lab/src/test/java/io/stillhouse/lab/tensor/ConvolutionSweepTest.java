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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** The engine's convolutions against arithmetic in double precision, on small maps. */
class ConvolutionSweepTest {
  private static final long SEED = 31;
  private static final int BATCH = 16;
  private static final double ERROR_MAX = 1e-3;

  /** Numbers that pruning leaves; several are wrong with the engine's newer kernels. */
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
            if (!(error < ERROR_MAX)) {
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
    List<String> wrong = new ArrayList<>();
    for (int kernel : new int[] {1, 3}) {
      for (int side : new int[] {1, 3, 7}) {
        for (int in : CHANNELS) {
          for (int out : CHANNELS) {
            NativeScope.run(
                () -> {
                  torch.manual_seed(SEED);
                  Tensor x = torch.randn(BATCH, in, side, side);
                  Tensor w = torch.randn(out, in, kernel, kernel);
                  Tensor[] exact = gradients(x, w, ScalarType.Double);
                  Tensor[] ours = gradients(x, w, ScalarType.Float);
                  for (int i = 0; i < exact.length; i++) {
                    double error = difference(ours[i], exact[i]);
                    if (!(error < ERROR_MAX)) {
                      wrong.add(
                          "kernel %d, side %d, %d to %d channels, %s: %.3f"
                              .formatted(
                                  kernel, side, in, out, i == 0 ? "input" : "weight", error));
                    }
                  }
                  return wrong.size();
                });
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  /** Of half the sum of squares of the result, by the input and by the weight. */
  private static Tensor[] gradients(Tensor x, Tensor w, ScalarType type) {
    Tensor input = x.to(type).contiguous(torch.MemoryFormat.ChannelsLast);
    Tensor weight = w.to(type).contiguous(torch.MemoryFormat.ChannelsLast);
    input.set_requires_grad(true);
    weight.set_requires_grad(true);
    long pad = w.size(2) / 2;
    Tensor y =
        torch.conv2d(
            input,
            weight,
            new TensorOptional(),
            new long[] {1, 1},
            new long[] {pad, pad},
            new long[] {1, 1},
            1);
    y.mul(y).sum().backward();
    return new Tensor[] {input.grad(), weight.grad()};
  }

  private static double difference(Tensor actual, Tensor expected) {
    return actual.to(ScalarType.Double).sub(expected).abs().max().item_double()
        / expected.abs().max().item_double();
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
