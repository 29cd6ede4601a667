package io.stillhouse.lab.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OnnxExporterTest {
  private static final long SEED = 41;

  @ParameterizedTest
  @CsvSource({
    "resnet8, 3x32x32, 0.5",
    "resnet8, 3x9x11, 0.25",
    "separable_small, 1x28x28, 1.0",
    "separable_small, 3x48x50, 0.5"
  })
  void the_runtime_gives_what_the_network_means(String name, String input, double width) {
    agrees(Networks.catalogue(name, input, width, SEED));
  }

  @Test
  void every_layer_means_the_same_in_the_file() {
    agrees(Networks.everyLayer(SEED));
  }

  @ParameterizedTest
  @CsvSource({"resnet14, 3x16x16, 0.25", "separable_small, 1x28x28, 0.5"})
  void folding_normalisation_changes_no_output(String name, String input, double width) {
    Network network = Networks.catalogue(name, input, width, SEED);
    Network folded = BatchNormFolding.fold(network);
    assertThat(folded.graph().nodes()).noneMatch(n -> n.name().endsWith(".norm"));
    Random random = new Random(SEED);
    for (int i = 0; i < 3; i++) {
      float[] image = Networks.image(network.graph().input(), random);
      assertThat(PlainRunner.run(folded, image))
          .containsExactly(PlainRunner.run(network, image), within(1e-4));
    }
  }

  @Test
  void equal_networks_give_equal_bytes() {
    assertThat(OnnxExporter.fp32(Networks.everyLayer(SEED)))
        .isEqualTo(OnnxExporter.fp32(Networks.everyLayer(SEED)))
        .isNotEqualTo(OnnxExporter.fp32(Networks.everyLayer(SEED + 1)));
  }

  private static void agrees(Network network) {
    Random random = new Random(SEED);
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(network))) {
      for (int i = 0; i < 5; i++) {
        float[] image = Networks.image(network.graph().input(), random);
        double[] expected = PlainRunner.run(network, image);
        float[] actual = model.run(image);
        double largest = 0;
        for (double value : expected) {
          largest = Math.max(largest, Math.abs(value));
        }
        for (int c = 0; c < expected.length; c++) {
          assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-4 * largest));
        }
      }
    }
  }
}
