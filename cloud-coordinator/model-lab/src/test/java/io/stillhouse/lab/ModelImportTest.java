package io.stillhouse.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.PlanOverrides;
import io.stillhouse.lab.testing.PhotoFolder;
import io.stillhouse.model.graph.Layer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelImportTest {
  private static final long SEED = 5;

  @TempDir Path folder = Path.of("");

  private final ModelLab lab =
      new ModelLab(new LabSettings(1, LabSettings.defaults().nativeCacheDir()), System::nanoTime);
  private DataSpec photos = DataSpec.parse("images:x");
  private Path onnx = Path.of("");
  private double accuracy;

  /** An ONNX file, which is all that another tool would give. */
  @BeforeEach
  void teacher() throws IOException {
    photos = DataSpec.parse("images:" + PhotoFolder.write(folder.resolve("photos"), 3, 20, SEED));
    TrainedModel made =
        lab.train(
            new TrainRequest(photos, "resnet8", 0.25, epochs(12), folder.resolve("teacher")),
            Progress.none());
    onnx = made.directory().resolve("model.onnx");
    accuracy = made.evaluation().accuracy();
  }

  private static PlanOverrides epochs(int count) {
    PlanOverrides usual = PlanOverrides.none(SEED);
    return new PlanOverrides(
        OptionalInt.of(count),
        new PlanOverrides.DescentOverrides(
            OptionalInt.of(16), OptionalDouble.empty(), Optional.empty()),
        usual.regularisation(),
        SEED);
  }

  private Evaluation bring(Optional<Preprocessing> scaling, boolean newHead, String out) {
    return lab.importModel(
        new ImportRequest(onnx, photos, scaling, newHead, folder.resolve(out)), Progress.none());
  }

  private TrainedModel further(DataSpec data, String from, int epochs) {
    return lab.train(
        new TrainRequest(
            data,
            new TrainRequest.Start.Stored(folder.resolve(from)),
            epochs(epochs),
            folder.resolve("further")),
        Progress.none());
  }

  @Test
  void an_imported_model_is_as_good_as_it_was_trains_on_and_is_compressed() throws IOException {
    assertThat(bring(Optional.empty(), false, "brought").accuracy()).isEqualTo(accuracy);
    StoredModel stored = ModelStore.read(folder.resolve("brought"));
    assertThat(stored.provenance().recipe()).containsEntry("import", "model.onnx");
    assertThat(
            new ObjectMapper()
                .readTree(folder.resolve("brought").resolve("report.json").toFile())
                .path("differenceFromFile")
                .asDouble(1))
        .isLessThan(1e-5);
    assertThat(stored.network().graph().nodes())
        .as("the file has its normalisation folded in")
        .anyMatch(node -> node.layer() instanceof Layer.BatchNorm);

    TrainedModel further = further(photos, "brought", 2);
    assertThat(further.evaluation().accuracy()).isGreaterThan(accuracy - 0.1);
    assertThat(ModelStore.read(folder.resolve("further")).network().weights().names())
        .containsExactlyElementsOf(stored.network().weights().names());

    CompressedModel small =
        lab.compress(
            new CompressRequest(
                folder.resolve("further"),
                RecipeYaml.parse(
                    "r.yaml",
                    "steps:\n  - prune: {ratio: 0.3, roundTo: 1, epochs: 8}\n  - quantize: {}\n"),
                photos,
                folder.resolve("small"),
                1),
            Progress.none());
    assertThat(small.evaluation().size().params()).isLessThan(further.evaluation().size().params());
    assertThat(small.evaluation().accuracy()).isGreaterThan(0.5);
  }

  @Test
  void the_scaling_of_its_training_may_be_given() {
    Preprocessing measured = ModelStore.read(folder.resolve("teacher")).preprocessing();
    assertThat(bring(Optional.of(measured), false, "as-trained").accuracy()).isEqualTo(accuracy);
    Preprocessing none = new Preprocessing(List.of(0f, 0f, 0f), List.of(1f, 1f, 1f));
    bring(Optional.of(none), false, "as-told");
    assertThat(ModelStore.read(folder.resolve("as-told")).preprocessing()).isEqualTo(none);
    assertThatThrownBy(
            () -> bring(Optional.of(new Preprocessing(List.of(0f), List.of(1f))), false, "grey"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("1 means for images of 3 channels");
  }

  @Test
  void other_classes_need_a_new_head() throws IOException {
    photos = DataSpec.parse("images:" + PhotoFolder.write(folder.resolve("four"), 4, 20, SEED));
    assertThatThrownBy(() -> bring(Optional.empty(), false, "brought"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("it tells 3 classes apart, the data has 4. ")
        .hasMessageContaining("--new-head");
    bring(Optional.empty(), true, "brought");
    StoredModel stored = ModelStore.read(folder.resolve("brought"));
    assertThat(stored.network().graph().classes()).isEqualTo(4);
    TrainedModel further = further(photos, "brought", 16);
    assertThat(further.evaluation().accuracy()).isGreaterThan(0.5);
  }

  @Test
  void training_on_from_other_data_or_from_nothing_is_refused_in_one_line() throws IOException {
    DataSpec four =
        DataSpec.parse("images:" + PhotoFolder.write(folder.resolve("four"), 4, 12, SEED));
    assertThatThrownBy(() -> further(four, "teacher", 1))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("of classes [class-0, class-1, class-2], the data has")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> further(photos, "nowhere", 1))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("there is no model.json in it");
    assertThat(folder.resolve("further.unfinished")).doesNotExist();
  }
}
