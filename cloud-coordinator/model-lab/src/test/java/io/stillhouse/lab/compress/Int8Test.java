package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import io.stillhouse.lab.evaluate.IntegerFusion;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Int8Test {
  private static final long SEED = 17;

  @ParameterizedTest
  @CsvSource({"resnet8, 3x32x32, 0.5", "resnet14, 3x32x32, 1", "separable_small, 1x28x28, 1.0"})
  void an_int8_file_runs_wholly_in_integers(
      String name, String input, double width, @TempDir Path scratch) throws Exception {
    Network network = Networks.catalogue(name, input, width, SEED);
    byte[] file = int8(network, Calibration.MIN_MAX);
    assertThat(IntegerFusion.leftovers(file, scratch)).isEmpty();
    Map<String, Integer> operators = IntegerFusion.operators(file, scratch);
    assertThat(operators).containsEntry("com.microsoft.QGemm", 1);
    assertThat(operators.getOrDefault("QuantizeLinear", 0)).isEqualTo(1);
  }

  @Test
  void a_float_file_is_named_as_not_running_in_integers(@TempDir Path scratch) throws Exception {
    Network network = Networks.catalogue("separable_small", "1x28x28", 0.5, SEED);
    assertThat(IntegerFusion.leftovers(OnnxExporter.fp32(network), scratch)).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource({"MIN_MAX", "PERCENTILE"})
  void int8_outputs_stay_near_the_float_ones(Calibration calibration) {
    for (Network network :
        List.of(
            Networks.catalogue("separable_small", "1x28x28", 1, SEED),
            Networks.catalogue("resnet8", "3x32x32", 0.5, SEED),
            Networks.everyLayer(SEED))) {
      try (OrtModel whole = OrtModel.open(int8(network, calibration));
          OrtModel floats = OrtModel.open(OnnxExporter.fp32(network))) {
        assertThat(signalToNoise(whole, floats, images(network, 99)))
            .as("decibel of %s", network.graph().name())
            .isGreaterThan(15);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "separable_small, 1x28x28, 1",
    "resnet8, 3x32x32, 1",
    "mobilenet_v3_small, 3x32x32, 0.5",
    "shufflenet_v2, 3x32x32, 0.5"
  })
  void kernels_chosen_for_this_processor_compute_what_the_exact_ones_do_bit_by_bit(
      String name, String input, double width) throws Exception {
    Network network = Networks.catalogue(name, input, width, SEED);
    byte[] file = int8(network, Calibration.MIN_MAX);
    ImageShape shape = network.graph().input();
    long[] dimensions = {1, shape.channels(), shape.height(), shape.width()};
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.addConfigEntry("session.x64quantprecision", "1");
      try (OrtSession exact = environment.createSession(file, options);
          OrtModel chosen = OrtModel.open(file)) {
        for (float[] image : images(network, 99)) {
          try (OnnxTensor tensor =
                  OnnxTensor.createTensor(environment, FloatBuffer.wrap(image), dimensions);
              OrtSession.Result result =
                  exact.run(Map.of(exact.getInputNames().iterator().next(), tensor))) {
            float[][] logits = (float[][]) result.get(0).getValue();
            assertThat(chosen.run(image)).isEqualTo(logits[0]);
          }
        }
      }
    }
  }

  @Test
  void weights_of_an_int8_file_take_a_quarter() {
    Network network = Networks.catalogue("resnet20", "3x32x32", 1, SEED);
    assertThat(
            (double) OnnxExporter.fp32(network).length / int8(network, Calibration.MIN_MAX).length)
        .isGreaterThan(3.3);
  }

  @Test
  void equal_images_give_equal_bytes() {
    Network network = Networks.catalogue("separable_small", "1x28x28", 0.5, SEED);
    assertThat(int8(network, Calibration.PERCENTILE))
        .isEqualTo(int8(network, Calibration.PERCENTILE));
  }

  @Test
  void ranges_after_relu_start_at_zero_and_percentiles_are_inside_the_extremes() {
    Network network = Networks.catalogue("resnet8", "3x32x32", 0.25, SEED);
    ActivationRanges all = Calibrator.calibrate(network, images(network, 1), Calibration.MIN_MAX);
    ActivationRanges most =
        Calibrator.calibrate(network, images(network, 1), Calibration.PERCENTILE);
    assertThat(all.byNode()).containsOnlyKeys(most.byNode().keySet()).containsKey("input");
    assertThat(all.byNode().keySet()).contains("stem.act", "stage2.block0.shortcut.conv", "pool");
    assertThat(all.byNode().keySet()).doesNotContain("stem.conv", "flatten", "classifier");
    all.byNode()
        .forEach(
            (node, range) -> {
              ActivationRanges.Range inner = most.byNode().getOrDefault(node, range);
              assertThat(inner.low()).isGreaterThanOrEqualTo(range.low());
              assertThat(inner.high())
                  .isGreaterThan(0.2f * range.high())
                  .isCloseTo(Math.min(inner.high(), range.high()), within(1e-4f * range.high()));
              if (node.endsWith(".act")) {
                assertThat(range.low()).isZero();
              }
            });
    assertThat(most.byNode().getOrDefault("stem.act", new ActivationRanges.Range(0, 0)).high())
        .isLessThan(all.byNode().getOrDefault("stem.act", new ActivationRanges.Range(0, 0)).high());
  }

  @Test
  void a_network_that_gives_no_finite_numbers_is_refused() {
    Network network = Networks.catalogue("resnet8", "3x32x32", 0.25, SEED);
    List<float[]> images = images(network, 1);
    images.get(0)[5] = Float.NaN;
    assertThatThrownBy(() -> Calibrator.calibrate(network, images, Calibration.MIN_MAX))
        .hasMessageContaining("not finite");
  }

  private static byte[] int8(Network network, Calibration calibration) {
    return OnnxExporter.int8(
        network, Calibrator.calibrate(network, images(network, 3), calibration));
  }

  private static List<float[]> images(Network network, long seed) {
    Random random = new Random(seed);
    List<float[]> images = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      images.add(Networks.image(network.graph().input(), random));
    }
    return images;
  }

  private static double signalToNoise(OrtModel whole, OrtModel floats, List<float[]> images) {
    double signal = 0;
    double noise = 0;
    for (float[] image : images) {
      float[] expected = floats.run(image);
      float[] actual = whole.run(image);
      for (int c = 0; c < expected.length; c++) {
        signal += (double) expected[c] * expected[c];
        noise += Math.pow((double) expected[c] - actual[c], 2);
      }
    }
    return 10 * Math.log10(signal / noise);
  }
}
