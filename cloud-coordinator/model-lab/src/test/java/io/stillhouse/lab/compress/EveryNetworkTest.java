package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.evaluate.IntegerFusion;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.tensor.GraphRunner;
import io.stillhouse.lab.tensor.LabelledBatch;
import io.stillhouse.lab.tensor.Objective;
import io.stillhouse.lab.tensor.SgdTrainer;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.OnnxChecker;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every network of the catalogue through the whole lab, at a quarter of its width and the smallest
 * image that leaves it a map to look at: it learns, loses channels, and is written in float32 and
 * in 8 bits, and at each turn two engines agree on what it means.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EveryNetworkTest {
  private static final long SEED = 23;
  private static final int IMAGES = 16;
  private static final double SIGNAL_TO_NOISE_MIN_DECIBEL = 10;
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());

  @TempDir static Path files;

  static Stream<String> names() {
    return NetworkCatalog.names().stream();
  }

  @ParameterizedTest
  @Order(1)
  @MethodSource("names")
  void learns_loses_channels_and_is_written_both_ways(String name) throws Exception {
    Network network = RandomWeights.of(NetworkCatalog.build(name, smallest(name), 4, 0.25), SEED);
    Network trained = learns(network);
    byte[] whole = OnnxExporter.fp32(trained);
    agree(name, trained, whole);

    Map<PruningGroup, List<Integer>> kept = ChannelPruner.select(trained, 0.5, 1);
    Network small = ChannelPruner.compact(trained, kept);
    assertThat(small.weights().count()).isLessThan(trained.weights().count());
    float[] images = images(trained, 3);
    agree(name + " pruned", small, OnnxExporter.fp32(small));
    Network masked = ChannelPruner.mask(trained, kept);
    agree(name + " masked", masked, OnnxExporter.fp32(masked));
    close(name, logits(small, images), logits(masked, images));

    byte[] int8 = int8(small);
    IntegerFusion.Report report = IntegerFusion.report(int8, files);
    System.out.printf("%s: %s%n", name, report.summary());
    assertThat(report.leftovers()).as(report.summary()).isEmpty();
    assertThat(signalToNoise(small, int8))
        .as("decibel of %s", name)
        .isGreaterThan(SIGNAL_TO_NOISE_MIN_DECIBEL);
    Files.write(files.resolve(name + "-fp32.onnx"), whole);
    Files.write(files.resolve(name + "-int8.onnx"), int8);
  }

  @Test
  @Order(2)
  void files_pass_the_checker_of_onnx_itself() throws Exception {
    OnnxChecker.check(files);
  }

  private static ImageShape smallest(String name) {
    return switch (name) {
      case "lenet5" -> new ImageShape(1, 16, 16);
      case "ds_cnn" -> new ImageShape(1, 12, 10);
      default -> new ImageShape(3, 16, 16);
    };
  }

  private static Network learns(Network network) {
    float[] images = images(network, IMAGES);
    LabelledBatch batch = new LabelledBatch(IMAGES, images.length / IMAGES);
    System.arraycopy(images, 0, batch.images(), 0, images.length);
    for (int i = 0; i < IMAGES; i++) {
      batch.labels()[i] = i % network.graph().classes();
    }
    try (GraphRunner runner = new GraphRunner(RUNTIME, network);
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), new Objective(0, 1, 0), 0)) {
      // Equal seeds draw equal dropout, so that the second loss differs by the first step alone.
      float before = sgd.step(batch, 0.01, SEED);
      float after = sgd.step(batch, 0.01, SEED);
      assertThat(after).as("loss of %s after a step", network.graph().name()).isLessThan(before);
      return new Network(network.graph(), runner.weights());
    }
  }

  private static void agree(String what, Network network, byte[] file) {
    float[] images = images(network, 3);
    float[] expected = logits(network, images);
    int each = images.length / 3;
    int classes = network.graph().classes();
    try (OrtModel model = OrtModel.open(file)) {
      for (int i = 0; i < 3; i++) {
        float[] logits = model.run(Arrays.copyOfRange(images, i * each, (i + 1) * each));
        close(what, logits, Arrays.copyOfRange(expected, i * classes, (i + 1) * classes));
      }
    }
  }

  /** Within 1e-4 of the largest value. */
  private static void close(String what, float[] actual, float[] expected) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(largest).as(what).isPositive();
    assertThat(actual).as(what).containsExactly(expected, within(1e-4f * largest));
  }

  private static float[] logits(Network network, float[] images) {
    try (GraphRunner runner = new GraphRunner(RUNTIME, network)) {
      return runner.logits(images);
    }
  }

  private static byte[] int8(Network network) {
    return OnnxExporter.int8(
        network, Calibrator.calibrate(network, list(network, 8), Calibration.MIN_MAX));
  }

  private static double signalToNoise(Network network, byte[] int8) {
    double signal = 0;
    double noise = 0;
    try (OrtModel whole = OrtModel.open(int8)) {
      for (float[] image : list(network, 8)) {
        float[] expected = logits(network, image);
        float[] actual = whole.run(image);
        for (int c = 0; c < expected.length; c++) {
          signal += (double) expected[c] * expected[c];
          noise += Math.pow((double) expected[c] - actual[c], 2);
        }
      }
    }
    return 10 * Math.log10(signal / noise);
  }

  private static List<float[]> list(Network network, int count) {
    Random random = new Random(SEED);
    List<float[]> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      images.add(Networks.image(network.graph().input(), random));
    }
    return images;
  }

  private static float[] images(Network network, int count) {
    int each = Math.toIntExact(network.graph().input().elements());
    float[] images = new float[count * each];
    List<float[]> list = list(network, count);
    for (int i = 0; i < count; i++) {
      System.arraycopy(list.get(i), 0, images, i * each, each);
    }
    return images;
  }
}
