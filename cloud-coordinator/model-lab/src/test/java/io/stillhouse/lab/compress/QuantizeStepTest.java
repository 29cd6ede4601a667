package io.stillhouse.lab.compress;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.IntegerFusion;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.tensor.GraphRunner;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.Compression.Quantize.Mode;
import io.stillhouse.model.recipe.Compression.Quantize.Repairs;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizeStepTest {
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);
  private static final Preprocessing SCALING = Preprocessing.measured(DATA.train());
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
  private static final long SEED = 19;

  private static StepContext context(Network teacher) {
    return new StepContext(
        new DataTrainer(RUNTIME, DATA, SCALING, Optional.empty()),
        DATA,
        new StoredModel(
            teacher, DATA.labels(), SCALING, new Provenance("", "", Map.of(), SEED, Map.of())),
        SEED);
  }

  private static List<float[]> images(int count) {
    return StudentFolder.spread(DATA.train(), count, SCALING);
  }

  private static float[] simulated(Network marked, List<float[]> images) {
    int each = images.get(0).length;
    float[] all = new float[each * images.size()];
    for (int i = 0; i < images.size(); i++) {
      System.arraycopy(images.get(i), 0, all, i * each, each);
    }
    try (GraphRunner runner = new GraphRunner(RUNTIME, marked)) {
      return runner.logits(all);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "resnet8, 0.5",
    "separable_small, 0.5",
    "mobilenet_v3_small, 0.35",
    "efficientnet_b0, 0.25"
  })
  void training_sees_what_the_8_bit_file_will_say(String name, double width) {
    Network folded = BatchNormFolding.fold(Networks.catalogue(name, "1x28x28", width, SEED));
    List<float[]> images = images(48);
    ActivationRanges ranges = Calibrator.calibrate(folded, images, Calibration.PERCENTILE);
    float[] logits = simulated(RoundedNetwork.marked(folded, ranges, TrainingMarks.RANGE), images);
    float[] plain = simulated(folded, images);
    double gap = 0;
    double rounding = 0;
    List<float[]> answers = new ArrayList<>();
    try (OrtModel file = OrtModel.open(OnnxExporter.int8(folded, ranges))) {
      images.forEach(image -> answers.add(file.run(image)));
    }
    for (int i = 0; i < answers.size(); i++) {
      for (int c = 0; c < 10; c++) {
        gap += Math.pow((double) answers.get(i)[c] - logits[10 * i + c], 2);
        rounding += Math.pow((double) answers.get(i)[c] - plain[10 * i + c], 2);
      }
    }
    // What is left are sums in another order that end on the other side of a half.
    assertThat(gap).isLessThan(0.05 * rounding);
    double spread = Math.sqrt(gap / (10 * answers.size()));
    int other = 0;
    for (int i = 0; i < answers.size(); i++) {
      float[] one = Arrays.copyOfRange(logits, 10 * i, 10 * i + 10);
      float[] answer = answers.get(i);
      float lead = answer[Evaluator.argMax(answer)] - answer[Evaluator.argMax(one)];
      other += lead > 6 * spread ? 1 : 0;
    }
    assertThat(other).as("other classes, and not by a hair").isLessThan(2);
  }

  @Test
  void training_with_rounding_brings_the_file_nearer_to_the_teacher(@TempDir Path scratch)
      throws Exception {
    // Where rounding does great harm: labels draw a network away from its teacher by little.
    Network network = RescueLadderTest.spread(Networks.catalogue("resnet8", "1x28x28", 0.25, SEED));
    Quantize step = new Quantize(Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 3, Repairs.NONE);
    QuantizeStep.Quantized made =
        new QuantizeStep(context(network)).run(network, step, Progress.none());
    byte[] before =
        new QuantizeStep(context(network))
            .run(network, new Quantize(Precision.INT8, Calibration.MIN_MAX), Progress.none())
            .onnx()
            .bytes();
    assertThat(IntegerFusion.leftovers(made.onnx().bytes(), scratch)).isEmpty();
    assertThat(made.network().weights().has("stem.conv" + TrainingMarks.RANGE)).isFalse();
    Validation validation = new Validation(DATA, SCALING);
    List<float[]> teacher = validation.logits(OnnxExporter.fp32(network));
    assertThat(validation.judged(made.onnx().bytes(), teacher).error())
        .isLessThan(0.8 * validation.judged(before, teacher).error());
  }

  @Test
  void the_report_says_how_good_training_thought_the_file_to_be() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    StepContext context = context(network);
    RecipeRun.Result made =
        new RecipeRun(context.trainer(), DATA, context.teacher(), SEED)
            .run(
                new CompressionRecipe(
                    SEED, List.of(new Quantize(Precision.INT8, Calibration.PERCENTILE))),
                Progress.none());
    int right = 0;
    try (OrtModel file = OrtModel.open(made.onnx().bytes())) {
      for (int i = 0; i < DATA.test().count(); i++) {
        float[] logits = file.run(Evaluator.input(DATA.test(), i, SCALING));
        right += Evaluator.argMax(logits) == DATA.test().label(i) ? 1 : 0;
      }
    }
    assertThat(made.notes()).containsOnlyKeys("step1.simulated", "step1.sensitivity");
    Map<?, ?> note = (Map<?, ?>) requireNonNull(made.notes().get("step1.simulated"));
    double simulated = (double) requireNonNull(note.get("accuracyInTraining"));
    // One image of 64 may stand on the other side of a half.
    assertThat(simulated).isCloseTo((double) right / DATA.test().count(), within(1.5 / 64));
  }

  @Test
  void the_file_has_the_ranges_that_training_rounded_to() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    Quantize step = new Quantize(Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 2, Repairs.NONE);
    QuantizeStep.Quantized made =
        new QuantizeStep(context(network)).run(network, step, Progress.none());
    ActivationRanges before =
        Calibrator.calibrate(
            BatchNormFolding.fold(network),
            images(RecipeRun.CALIBRATION_IMAGES),
            Calibration.MIN_MAX);
    assertThat(made.onnx().bytes()).isEqualTo(OnnxExporter.int8(made.network(), before));
    Network simulated = made.rounded().orElseThrow().simulated();
    before
        .byNode()
        .forEach(
            (node, range) ->
                assertThat(simulated.weights().values(node + TrainingMarks.RANGE))
                    .as(node)
                    .containsExactly(range.low(), range.high()));
    // Training moved the weights: observed anew, ranges would be others.
    ActivationRanges after = Calibrator.calibrate(made.network(), images(256), Calibration.MIN_MAX);
    assertThat(after).isNotEqualTo(before);
    Quantize bounded =
        new Quantize(
            Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 1, new Repairs(false, false, 0.9));
    assertThat(
            new QuantizeStep(context(network))
                .run(network, bounded, Progress.none())
                .notes()
                .get(0))
        .containsEntry("tried", "int8, ranges of training");
  }

  @Test
  void ranges_that_training_moves_reach_the_file(@TempDir Path scratch) throws Exception {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    Quantize step =
        new Quantize(Precision.INT8, Calibration.MIN_MAX, Mode.QAT_LEARNED, 2, Repairs.NONE);
    QuantizeStep.Quantized made =
        new QuantizeStep(context(network)).run(network, step, Progress.none());
    assertThat(IntegerFusion.leftovers(made.onnx().bytes(), scratch)).isEmpty();
    assertThat(made.network().weights().has("stem.conv" + TrainingMarks.BOUNDS)).isFalse();
    // Observed anew, ranges would be others.
    ActivationRanges observed =
        Calibrator.calibrate(made.network(), images(256), Calibration.MIN_MAX);
    assertThat(OnnxExporter.int8(made.network(), observed)).isNotEqualTo(made.onnx().bytes());
    Validation validation = new Validation(DATA, SCALING);
    List<float[]> reference = validation.logits(OnnxExporter.fp32(made.network()));
    assertThat(validation.judged(made.onnx().bytes(), reference).error()).isLessThan(0.5);
  }

  @Test
  void half_precision_halves_the_file_and_hardly_changes_an_answer() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 1, SEED);
    QuantizeStep.Quantized made =
        new QuantizeStep(context(network))
            .run(network, new Quantize(Precision.FP16, Calibration.MIN_MAX), Progress.none());
    byte[] whole = OnnxExporter.fp32(network);
    assertThat((double) whole.length / made.onnx().bytes().length).isGreaterThan(1.85);
    try (OrtModel small = OrtModel.open(made.onnx().bytes());
        OrtModel large = OrtModel.open(whole)) {
      for (float[] image : images(4)) {
        float[] expected = large.run(image);
        float[] actual = small.run(image);
        for (int c = 0; c < 10; c++) {
          assertThat(actual[c])
              .isCloseTo(expected[c], within(0.02f + 0.01f * Math.abs(expected[c])));
        }
      }
    }
  }

  @Test
  void a_weight_that_no_half_can_hold_is_refused() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    float[] bias = network.weights().values("classifier.weight");
    bias[0] = 1e6f;
    Network large =
        new Network(
            network.graph(),
            network.weights().toBuilder()
                .put("classifier.weight", bias, network.weights().shape("classifier.weight"))
                .build());
    assertThatThrownBy(
            () ->
                new QuantizeStep(context(network))
                    .run(large, new Quantize(Precision.FP16, Calibration.MIN_MAX), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("weight: 1000000.0 (expected: finite, up to 65504.0 in fp16)");
  }
}
