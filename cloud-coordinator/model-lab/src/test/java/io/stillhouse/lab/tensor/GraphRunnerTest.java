package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GraphRunnerTest {
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());

  @Test
  void every_layer_gives_what_its_definition_says() {
    compare(Networks.everyLayer(3), 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"resnet8", "separable_small"})
  void networks_of_the_catalogue_give_what_their_definition_says(String name) {
    compare(Networks.catalogue(name, "1x28x28", 0.5, 5), 2);
  }

  private static void compare(Network network, int count) {
    Random random = new Random(17);
    int each = Math.toIntExact(network.graph().input().elements());
    float[] images = new float[count * each];
    for (int i = 0; i < count; i++) {
      float[] image = Networks.image(network.graph().input(), random);
      System.arraycopy(image, 0, images, i * each, each);
    }
    try (GraphRunner runner = new GraphRunner(RUNTIME, network)) {
      float[] logits = runner.logits(images);
      int classes = network.graph().classes();
      assertThat(logits).hasSize(count * classes);
      for (int i = 0; i < count; i++) {
        double[] expected =
            PlainRunner.run(network, Arrays.copyOfRange(images, i * each, (i + 1) * each));
        for (int c = 0; c < classes; c++) {
          assertThat((double) logits[i * classes + c]).isCloseTo(expected[c], within(1e-4));
        }
      }
      assertThat(runner.weights().values(last(network)))
          .isEqualTo(network.weights().values(last(network)));
    }
  }

  private static String last(Network network) {
    return network.graph().output().name() + ".weight";
  }

  @Test
  void many_images_on_several_threads_give_the_same_as_one_by_one() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, 5);
    TensorRuntime wide = TensorRuntime.start(3, LabSettings.defaults().nativeCacheDir());
    float[] images = new float[50 * 28 * 28];
    Random random = new Random(2);
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) random.nextGaussian();
    }
    try (GraphRunner many = new GraphRunner(wide, network);
        GraphRunner one = new GraphRunner(RUNTIME, network)) {
      float[] together = many.logits(images);
      for (int i = 0; i < 50; i++) {
        float[] alone = one.logits(Arrays.copyOfRange(images, i * 784, (i + 1) * 784));
        for (int c = 0; c < 10; c++) {
          assertThat(together[i * 10 + c]).isCloseTo(alone[c], within(1e-4f));
        }
      }
    }
  }

  @Test
  void what_does_not_fit_is_refused_in_one_line() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, 5);
    Weights broken =
        network.weights().toBuilder().put("classifier.weight", new float[10], 10, 1).build();
    try (GraphRunner runner = new GraphRunner(RUNTIME, new Network(network.graph(), broken))) {
      assertThatThrownBy(() -> runner.logits(new float[784]))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("network resnet8")
          .satisfies(e -> assertThat(String.valueOf(e.getMessage()).lines()).hasSize(1));
      assertThatThrownBy(() -> runner.logits(new float[100]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
