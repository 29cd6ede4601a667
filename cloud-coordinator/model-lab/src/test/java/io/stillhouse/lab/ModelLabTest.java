package io.stillhouse.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.PlanOverrides;
import io.stillhouse.lab.testing.PhotoFolder;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLabTest {
  private static final long SEED = 4;

  @TempDir private Path folder;
  private final ModelLab lab =
      new ModelLab(new LabSettings(1, LabSettings.defaults().nativeCacheDir()), System::nanoTime);
  private DataSpec photos = DataSpec.parse("images:x");

  @BeforeEach
  void photos() throws IOException {
    photos = DataSpec.parse("images:" + PhotoFolder.write(folder.resolve("photos"), 3, 20, SEED));
  }

  private TrainRequest train(String out, int epochs) {
    return train("resnet8", 0.25, out, epochs);
  }

  private TrainRequest train(String network, double width, String out, int epochs) {
    PlanOverrides usual = PlanOverrides.none(SEED);
    return new TrainRequest(
        photos,
        network,
        width,
        new PlanOverrides(
            OptionalInt.of(epochs),
            new PlanOverrides.DescentOverrides(
                OptionalInt.of(16), OptionalDouble.empty(), Optional.empty()),
            usual.regularisation(),
            SEED),
        folder.resolve(out));
  }

  /** Says stop once a step has been reported often enough. */
  private static final class StopAfter implements Progress {
    private final String step;
    private int left;
    private final List<String> steps = new ArrayList<>();

    StopAfter(String step, int reports) {
      this.step = step;
      this.left = reports;
    }

    @Override
    public void report(String reported, double fraction, String message) {
      steps.add(reported + " " + message);
      if (reported.startsWith(step)) {
        left--;
      }
    }

    @Override
    public boolean cancelled() {
      return left <= 0;
    }
  }

  @Test
  void a_network_without_normalisation_learns_at_the_rate_that_suits_it() {
    TrainedModel made = lab.train(train("lenet5", 1, "plain", 12), Progress.none());
    assertThat(made.plan().learningRate()).isEqualTo(0.1 * usualRate());
    assertThat(made.evaluation().accuracy()).isGreaterThan(0.6);
  }

  private double usualRate() {
    return lab.train(train("normalised", 1), Progress.none()).plan().learningRate();
  }

  @Test
  void a_teacher_of_photos_is_trained_measured_and_written_whole() throws Exception {
    TrainedModel made = lab.train(train("teacher", 12), Progress.none());
    assertThat(made.evaluation().accuracy()).isGreaterThan(0.8);
    assertThat(made.plan().regularisation().views().cropPadding()).isEqualTo(4);
    assertThat(made.plan().regularisation().views().flip()).isTrue();
    StoredModel stored = ModelStore.read(folder.resolve("teacher"));
    assertThat(stored.labels()).containsExactly("class-0", "class-1", "class-2");
    assertThat(stored.provenance().recipe()).containsEntry("epochs", 12).containsEntry("batch", 16);
    assertThat(stored.provenance().seed()).isEqualTo(SEED);
    assertThat(
            new ObjectMapper()
                .readTree(folder.resolve("teacher").resolve("evaluation.json").toFile())
                .path("accuracy")
                .asDouble())
        .isEqualTo(made.evaluation().accuracy());
    assertThat(lab.evaluate(folder.resolve("teacher"), photos, Progress.none()).accuracy())
        .isEqualTo(made.evaluation().accuracy());
    try (var names = Files.list(folder)) {
      assertThat(names.map(n -> String.valueOf(n.getFileName())))
          .containsExactlyInAnyOrder("photos", "teacher");
    }
    assertThatThrownBy(() -> lab.train(train("teacher", 12), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("exists and is not empty");
  }

  @Test
  void a_training_cut_off_goes_on_where_it_was_and_other_arguments_are_refused() {
    lab.train(train("unbroken", 6), Progress.none());
    assertThatThrownBy(() -> lab.train(train("broken", 6), new StopAfter("train", 3)))
        .isInstanceOf(CancelledException.class);
    assertThat(folder.resolve("broken")).doesNotExist();
    assertThatThrownBy(() -> lab.train(train("broken", 7), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("epochs 6, now 7");
    StopAfter rest = new StopAfter("train", Integer.MAX_VALUE);
    lab.train(train("broken", 6), rest);
    assertThat(rest.steps).anyMatch(s -> s.startsWith("train resnet8 epoch 4 of 6"));
    assertThat(rest.steps).noneMatch(s -> s.startsWith("train resnet8 epoch 3 of 6"));
    assertThat(folder.resolve("broken").resolve("weights.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("unbroken").resolve("weights.safetensors"));
    assertThat(folder.resolve("broken.unfinished")).doesNotExist();
  }

  @Test
  void a_recipe_cut_off_in_its_second_training_does_not_repeat_the_first() {
    Path teacher = lab.train(train("teacher", 2), Progress.none()).directory();
    CompressionRecipe recipe =
        RecipeYaml.parse(
            "r.yaml",
            """
            seed: 3
            steps:
              - distill: {student: resnet8, width: 0.5, epochs: 3}
              - prune: {ratio: 0.5, roundTo: 4, epochs: 4}
              - quantize: {precision: int8}
            """);
    lab.compress(
        new CompressRequest(teacher, recipe, photos, folder.resolve("unbroken")), Progress.none());
    CompressRequest broken = new CompressRequest(teacher, recipe, photos, folder.resolve("broken"));
    // Three reports of the first training, two of the second: after its second of four epochs.
    assertThatThrownBy(() -> lab.compress(broken, new StopAfter("distil", 5)))
        .isInstanceOf(CancelledException.class);
    assertThatThrownBy(
            () ->
                lab.compress(
                    new CompressRequest(
                        teacher,
                        new CompressionRecipe(9, recipe.steps()),
                        photos,
                        folder.resolve("broken")),
                    Progress.none()))
        .hasMessageContaining("seed 3, now 9");
    StopAfter rest = new StopAfter("distil", Integer.MAX_VALUE);
    CompressedModel made = lab.compress(broken, rest);
    assertThat(rest.steps.stream().filter(s -> s.startsWith("distil"))).hasSize(2);
    for (String file : List.of("weights.safetensors", "model.onnx", "model.json")) {
      assertThat(made.directory().resolve(file))
          .hasSameBinaryContentAs(folder.resolve("unbroken").resolve(file));
    }
  }

  @Test
  void a_recipe_of_four_families_makes_a_student_that_is_measured() {
    Path teacher = lab.train(train("teacher", 4), Progress.none()).directory();
    CompressionRecipe recipe =
        RecipeYaml.parse(
            "r.yaml",
            """
            seed: 3
            steps:
              - prune: {ratio: 0.25, importance: taylor, roundTo: 2, epochs: 1}
              - lowRank: {method: tucker2, energyKept: 0.5, epochs: 1}
              - sparsify: {ratio: 0.5, epochs: 1}
              - quantize: {precision: int8, mode: qat, epochs: 1}
            """);
    CompressedModel made =
        lab.compress(
            new CompressRequest(teacher, recipe, photos, folder.resolve("mixed")), Progress.none());
    Evaluation before = lab.evaluate(teacher, photos, Progress.none());
    assertThat(made.evaluation().size().macs()).isLessThan(before.size().macs());
    assertThat(lab.evaluate(made.directory(), photos, Progress.none()).accuracy())
        .isEqualTo(made.evaluation().accuracy());
  }

  @Test
  void data_that_the_teacher_does_not_know_is_refused_with_both_shapes() {
    Path teacher = lab.train(train("teacher", 1), Progress.none()).directory();
    CompressionRecipe recipe = RecipeYaml.parse("r.yaml", "steps:\n  - quantize: {}\n");
    DataSpec other = DataSpec.parse("builtin:fashion-mnist-12k");
    assertThatThrownBy(
            () ->
                lab.compress(
                    new CompressRequest(teacher, recipe, other, folder.resolve("student")),
                    Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("1x28x28 of 10 classes")
        .hasMessageContaining("3x32x32 of 3");
    assertThat(folder.resolve("student.unfinished")).doesNotExist();
    assertThat(folder.resolve("student.partial")).doesNotExist();
  }

  @Test
  void a_network_or_plan_without_sense_is_refused_before_data_is_read() {
    DataSpec missing = DataSpec.parse("images:/nowhere");
    Path out = folder.resolve("teacher");
    assertThatThrownBy(
            () ->
                lab.train(
                    new TrainRequest(missing, "nonet", 1, PlanOverrides.none(1), out),
                    Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("nonet is not known");
    PlanOverrides usual = PlanOverrides.none(1);
    PlanOverrides never =
        new PlanOverrides(OptionalInt.of(0), usual.descent(), usual.regularisation(), 1);
    assertThatThrownBy(
            () -> lab.train(new TrainRequest(missing, "resnet8", 1, never, out), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("epochs: 0 (expected: 1 to 2000)");
    assertThat(out.resolveSibling("teacher.unfinished")).doesNotExist();
  }
}
