package io.stillhouse.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.Calibrator;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MeasuringTest {
  private static final Network NETWORK = Networks.catalogue("separable_small", "1x28x28", 0.5, 3);

  @Test
  void latency_percentiles_are_those_of_the_clock() {
    AtomicLong now = new AtomicLong();
    AtomicLong calls = new AtomicLong();
    // Every second reading ends a run: runs take 1, 2, 3, ... 300 microseconds.
    LatencyMeter meter =
        new LatencyMeter(
            () -> {
              long call = calls.getAndIncrement();
              return call % 2 == 0 ? now.get() : now.addAndGet(1_000 * (call / 2 + 1));
            });
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(NETWORK))) {
      assertThat(meter.measure(model, new float[784]))
          .isEqualTo(new LatencyMeter.Latency(150, 297));
    }
  }

  @Test
  void memory_is_measured_in_a_process_of_its_own(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("model.onnx");
    Files.write(file, OnnxExporter.fp32(NETWORK));
    long bytes = MemoryProbe.peakBytes(file).orElseThrow();
    System.out.println("memory of a small student: " + bytes);
    assertThat(bytes).isBetween(4L << 20, 128L << 20);
    Files.write(file, new byte[100]);
    assertThat(MemoryProbe.peakBytes(file)).isEmpty();
  }

  @Test
  void the_cost_of_a_bare_file_is_that_of_its_graph() {
    for (Network network : List.of(NETWORK, Networks.catalogue("resnet8", "3x32x32", 0.5, 3))) {
      NetworkCost cost = NetworkCost.of(BatchNormFolding.fold(network).graph());
      OnnxCost expected = new OnnxCost(cost.params(), cost.macs());
      assertThat(OnnxCost.of(OnnxExporter.fp32(network))).isEqualTo(expected);
      List<float[]> images = List.of(Networks.image(network.graph().input(), new Random(1)));
      byte[] whole =
          OnnxExporter.int8(network, Calibrator.calibrate(network, images, Calibration.MIN_MAX));
      assertThat(OnnxCost.of(whole)).isEqualTo(expected);
    }
  }

  @Test
  void an_answer_that_is_no_number_is_no_answer() {
    float[] bias = new float[10];
    bias[3] = Float.NaN;
    Network broken =
        new Network(
            NETWORK.graph(),
            NETWORK.weights().toBuilder().put("classifier.bias", bias, 10).build());
    Dataset data = DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(20, 20);
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(broken))) {
      assertThatThrownBy(
              () ->
                  Evaluator.accuracy(
                      model, data.test(), Preprocessing.measured(data.train()), Progress.none()))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("its answer to image 0 is not a number");
    }
  }

  @Test
  void bytes_that_are_no_model_are_refused_in_one_line() {
    for (byte[] bytes :
        List.of(
            new byte[0],
            new byte[] {1, 2, 3},
            "not a model".getBytes(java.nio.charset.StandardCharsets.UTF_8))) {
      assertThatThrownBy(() -> OrtModel.open(bytes))
          .isInstanceOf(ModelRefusedException.class)
          .hasMessageNotContaining("\n");
    }
  }
}
