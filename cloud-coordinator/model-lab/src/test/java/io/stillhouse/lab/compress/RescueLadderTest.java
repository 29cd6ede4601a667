package io.stillhouse.lab.compress;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.DOUBLE;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.IntegerFusion;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.Compression.Quantize.Mode;
import io.stillhouse.model.recipe.Compression.Quantize.Repairs;
import io.stillhouse.model.recipe.Compression.Sparsify;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Sparsity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RescueLadderTest {
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);
  private static final Preprocessing SCALING = Preprocessing.measured(DATA.train());
  private static final long SEED = 19;

  /** Counts the images that it is asked to train on, and leaves every network as it is. */
  private static final class Recording implements StudentTrainer {
    private final Dataset data;
    private final List<Integer> trainedOn;

    Recording(Dataset data, List<Integer> trainedOn) {
      this.data = data;
      this.trainedOn = trainedOn;
    }

    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      trainedOn.add(data.train().count());
      return start;
    }

    @Override
    public StudentTrainer on(Dataset other) {
      return new Recording(other, trainedOn);
    }
  }

  private static StoredModel stored(Network teacher) {
    return new StoredModel(
        teacher, DATA.labels(), SCALING, new Provenance("", "", Map.of(), SEED, Map.of()));
  }

  private static StepContext context(Network teacher) {
    return new StepContext(new Recording(DATA, new ArrayList<>()), DATA, stored(teacher), SEED);
  }

  private static List<float[]> images(int count) {
    return StudentFolder.spread(DATA.train(), count, SCALING);
  }

  @Test
  void the_ladder_stops_where_the_budget_holds_and_says_what_it_tried() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    // Untrained: which class wins is a matter of little, so any change of logits moves accuracy.
    Quantize easy = step(0.5);
    QuantizeStep.Quantized first =
        new QuantizeStep(context(network)).run(network, easy, Progress.none());
    assertThat(first.notes()).hasSize(1);
    assertThat(first.notes().get(0)).containsEntry("tried", "int8, percentile");
    for (long seed = 1; seed <= 6; seed++) {
      Network hard = spread(Networks.catalogue("resnet8", "1x28x28", 0.25, seed));
      Validation validation = context(hard).holdingOut().budget();
      double whole = validation.accuracy(OnnxExporter.fp32(hard));
      List<String> tried = new ArrayList<>();
      try {
        QuantizeStep.Quantized made =
            new QuantizeStep(context(hard)).run(hard, step(0), Progress.none());
        made.notes().forEach(note -> tried.add(String.valueOf(note.get("tried"))));
        assertThat(tried).startsWith("int8, percentile").doesNotHaveDuplicates();
        assertThat(validation.accuracy(made.onnx().bytes())).isGreaterThanOrEqualTo(whole);
      } catch (LabException e) {
        assertThat(e)
            .hasMessageContaining("repairs the best accuracy on held-out training images")
            .hasMessageNotContaining("after 6 ");
      }
    }
  }

  @Test
  void the_layer_that_ruins_the_answers_stays_in_float32_and_the_report_shows_the_others() {
    Network hard = spread(Networks.catalogue("resnet8", "1x28x28", 0.25, 4));
    Dataset own = answered(hard);
    StepContext context =
        new StepContext(new Recording(own, new ArrayList<>()), own, stored(hard), SEED);
    // After training with rounding, which changes nothing here, equalisation is no way out.
    Quantize step =
        new Quantize(
            Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 1, new Repairs(false, false, 0.1));
    QuantizeStep.Quantized made = new QuantizeStep(context).run(hard, step, Progress.none());
    assertThat(String.valueOf(made.notes().get(made.notes().size() - 1).get("tried")))
        .endsWith(", float32: stage1.block0.second.conv");
    assertThat(made.findings()).containsOnlyKeys("sensitivity");
    Map<?, ?> table = (Map<?, ?>) requireNonNull(made.findings().get("sensitivity"));
    List<?> rows = (List<?>) requireNonNull(table.get("rows"));
    assertThat(rows).hasSameSizeAs(OnnxExporter.multipliers(hard));
    assertThat(table.get("baseline")).asInstanceOf(DOUBLE).isGreaterThan(0.9);
  }

  /** The images with the labels that a network gives them. */
  private static Dataset answered(Network network) {
    Images images = DATA.train();
    int each = Math.toIntExact(images.shape().elements());
    byte[] pixels = new byte[images.count() * each];
    int[] labels = new int[images.count()];
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(network))) {
      for (int i = 0; i < labels.length; i++) {
        images.copy(i, pixels, i * each);
        labels[i] = Evaluator.argMax(model.run(Evaluator.input(images, i, SCALING)));
      }
    }
    Images relabelled = Images.of(images.shape(), pixels, labels);
    return new Dataset(relabelled, DATA.test(), DATA.labels(), DATA.origin());
  }

  @Test
  void weights_of_few_values_are_not_equalised_on_any_rung() {
    int corrected = 0;
    for (long seed = 1; seed <= 6; seed++) {
      Network hard = spread(Networks.catalogue("resnet8", "1x28x28", 0.25, seed));
      try {
        QuantizeStep.Quantized made =
            new QuantizeStep(context(hard), true).run(hard, step(0), Progress.none());
        assertThat(made.findings()).doesNotContainKey("equalise");
        for (Map<String, Object> note : made.notes()) {
          String tried = String.valueOf(note.get("tried"));
          assertThat(tried).doesNotContain("equalise");
          corrected += tried.contains("correctBias") ? 1 : 0;
        }
      } catch (LabException e) {
        assertThat(e).hasMessageContaining("held-out training images");
      }
    }
    assertThat(corrected).isPositive();
  }

  @Test
  void a_layer_that_is_kept_in_float32_is_run_so_and_takes_its_error_with_it(@TempDir Path scratch)
      throws IOException {
    Network network = spread(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED));
    RoundedNetwork attempt =
        RoundedNetwork.of(network, Calibration.MIN_MAX, images(32), RoundedNetwork.Repair.NONE);
    assertThat(IntegerFusion.report(attempt.onnx(), scratch).leftovers()).isEmpty();
    Validation validation = new Validation(DATA, SCALING);
    List<float[]> reference = validation.logits(OnnxExporter.fp32(network));
    double all = validation.judged(attempt.onnx(), reference).error();
    // It reads the map whose one large channel leaves the others no levels.
    String hard = "stage1.block0.second.conv";
    byte[] kept = attempt.onnx(Set.of(hard));
    assertThat(IntegerFusion.report(kept, scratch).leftovers())
        .hasSizeBetween(1, 4)
        .anyMatch(left -> left.contains(hard));
    double without = validation.judged(kept, reference).error();
    assertThat(without).isLessThan(0.7 * all);
    List<String> layers = OnnxExporter.multipliers(network);
    double none = validation.judged(attempt.onnx(Set.copyOf(layers)), reference).error();
    assertThat(none).isLessThan(0.3 * all);
  }

  @Test
  void no_step_of_a_recipe_with_a_budget_trains_on_what_the_budget_is_judged_by() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    Sparsify sparsify = new Sparsify(Sparsity.share(0.5), 1);
    Quantize free = new Quantize(Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 1, Repairs.NONE);
    Quantize bounded =
        new Quantize(
            Precision.INT8, Calibration.MIN_MAX, Mode.QAT, 1, new Repairs(false, false, 0.9));
    assertThat(trainedOn(network, List.of(sparsify, free))).containsExactly(256, 256);
    // A fifth is held out, from the first step on.
    assertThat(trainedOn(network, List.of(sparsify, bounded))).containsExactly(205, 205);
    StepContext held = context(network).holdingOut();
    assertThat(held.budget().inputs()).hasSize(51);
    assertThat(held.holdingOut()).isSameAs(held);
  }

  private static List<Integer> trainedOn(Network network, List<Compression> steps) {
    List<Integer> counts = new ArrayList<>();
    new RecipeRun(new Recording(DATA, counts), DATA, stored(network), SEED)
        .run(new CompressionRecipe(SEED, steps), Progress.none());
    return counts;
  }

  @Test
  void the_layer_that_8_bits_hurt_most_stands_first() {
    Network network = spread(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED));
    RoundedNetwork attempt =
        RoundedNetwork.of(network, Calibration.MIN_MAX, images(32), RoundedNetwork.Repair.NONE);
    Validation validation = new Validation(DATA, SCALING);
    List<float[]> reference = validation.logits(OnnxExporter.fp32(network));
    SensitivityTable table =
        new MixedPrecision(validation, reference).sensitivity(attempt, Progress.none());
    // It reads the map whose one large channel leaves the others no levels.
    assertThat(table.rows().get(0).layer()).isEqualTo("stage1.block0.second.conv");
    assertThat(table.byLayer()).containsOnlyKeys(OnnxExporter.multipliers(network));
    assertThat(table.baseline()).isBetween(0.0, 1.0);
  }

  private static Quantize step(double drop) {
    return new Quantize(
        Precision.INT8, Calibration.PERCENTILE, Mode.PTQ, 0, new Repairs(false, false, drop));
  }

  /**
   * The same function with weights that are hard to round: one channel a thousand times another.
   */
  static Network spread(Network network) {
    Network folded = BatchNormFolding.fold(network);
    float[] first = folded.weights().values("stage1.block0.first.conv.weight");
    float[] bias = folded.weights().values("stage1.block0.first.conv.bias");
    float[] second = folded.weights().values("stage1.block0.second.conv.weight");
    int channels = bias.length;
    int each = first.length / channels;
    for (int i = 0; i < each; i++) {
      first[i] *= 1000;
    }
    bias[0] *= 1000;
    for (int o = 0; o < channels; o++) {
      for (int k = 0; k < 9; k++) {
        second[o * channels * 9 + k] /= 1000;
      }
    }
    return new Network(
        folded.graph(),
        folded.weights().toBuilder()
            .put("stage1.block0.first.conv.weight", first, channels, channels, 3, 3)
            .put("stage1.block0.first.conv.bias", bias, channels)
            .put("stage1.block0.second.conv.weight", second, channels, channels, 3, 3)
            .build());
  }
}
