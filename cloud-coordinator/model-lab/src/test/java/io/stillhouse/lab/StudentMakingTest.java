package io.stillhouse.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.export.TransferForm;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.SafeTensors;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudentMakingTest {
  private static final DataSpec DATA = DataSpec.parse("builtin:fashion-mnist-12k");
  private static final long SEED = 8;

  /** Training changes nothing here: what is tested is the way of a request through the lab. */
  private static final StudentMaking MAKING =
      new StudentMaking(
          data -> (start, teacher, plan, progress) -> Networks.lived(start, plan.seed()),
          new Evaluator(System::nanoTime));

  @Test
  void a_recipe_becomes_a_finished_student_folder(@TempDir Path folder) throws Exception {
    CompressionRecipe recipe =
        RecipeYaml.parse(
            "r.yaml",
            """
            seed: 3
            steps:
              - distill: {student: separable_small, width: 0.25, epochs: 1}
              - prune: {ratio: 0.4, epochs: 1}
              - quantize: {precision: int8}
            """);
    Path out = folder.resolve("student");
    CompressedModel made =
        MAKING.compress(new CompressRequest(teacher(folder), recipe, DATA, out), Progress.none());
    assertThat(made.evaluation().precision()).isEqualTo(Precision.INT8);
    try (var files = Files.list(out)) {
      assertThat(files.map(f -> String.valueOf(f.getFileName())))
          .containsExactlyInAnyOrder(
              "model.json",
              "weights.safetensors",
              "model.onnx",
              "model.onnx.stf",
              "golden.safetensors",
              "evaluation.json",
              "report.json",
              "report.html");
    }
    JsonNode report = new ObjectMapper().readTree(Files.readAllBytes(out.resolve("report.json")));
    assertThat(report.path("stages").findValuesAsText("stage"))
        .containsExactly("teacher", "1 distill", "2 prune", "3 quantize");
    NetworkCost teacherCost =
        NetworkCost.of(ModelStore.read(folder.resolve("teacher")).network().graph());
    assertThat(report.path("stages").get(0).path("macs").asLong()).isEqualTo(teacherCost.macs());
    assertThat(report.path("stages").get(0).path("params").asLong())
        .isEqualTo(teacherCost.params());
    assertThat(report.path("stages").get(1).path("macs").asLong())
        .isEqualTo(
            NetworkCost.of(NetworkCatalog.build("separable_small", DATA.load().shape(), 10, 0.25))
                .macs());
    assertThat(report.path("stages").get(3).path("fileBytes").asLong())
        .isEqualTo(Files.size(out.resolve("model.onnx")));
    assertThat(report.path("stages").get(3).path("int8P50Micros").asLong()).isPositive();

    assertThat(TransferForm.unpack(Files.readAllBytes(out.resolve("model.onnx.stf"))))
        .isEqualTo(Files.readAllBytes(out.resolve("model.onnx")));
    assertThat(SafeTensors.read(out.resolve("golden.safetensors")).shape("input"))
        .containsExactly(16, 1, 28, 28);
    JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(out.resolve("evaluation.json")));
    assertThat(json.path("precision").asText()).isEqualTo("int8");
    assertThat(json.path("fileBytes").asLong()).isEqualTo(Files.size(out.resolve("model.onnx")));
    assertThat(json.path("wireBytes").asLong())
        .isEqualTo(Files.size(out.resolve("model.onnx.stf")));
    assertThat(json.path("peakMemoryBytes").asLong()).isPositive();
    assertThat(json.path("macs").asLong())
        .isLessThan(
            NetworkCost.of(NetworkCatalog.build("separable_small", DATA.load().shape(), 10, 0.25))
                .macs());

    Evaluation again = MAKING.evaluate(out, DATA, Progress.none());
    assertThat(again.accuracy()).isEqualTo(made.evaluation().accuracy());
    assertThat(again.size()).isEqualTo(made.evaluation().size());
    Evaluation bare = MAKING.evaluate(out.resolve("model.onnx"), DATA, Progress.none());
    assertThat(bare.size().macs()).isEqualTo(again.size().macs());
    assertThat(bare.precision()).isEqualTo(Precision.INT8);

    Path harmed = folder.resolve("harmed");
    HarmRequest request = new HarmRequest(List.of(out), DATA, harmed);
    CompressedModel bad = MAKING.harm(request, Progress.none()).get(0);
    assertThat(bad.directory()).isEqualTo(harmed.resolve("student"));
    assertThat(MAKING.harm(request, Progress.none()).get(0).evaluation().accuracy())
        .isEqualTo(bad.evaluation().accuracy());
  }

  @Test
  void equal_requests_give_equal_files(@TempDir Path folder) throws Exception {
    CompressionRecipe recipe =
        RecipeYaml.parse(
            "r.yaml", "steps:\n  - prune: {ratio: 0.5, roundTo: 2}\n  - quantize: {}\n");
    Path teacher = teacher(folder);
    for (String name : List.of("a", "b")) {
      MAKING.compress(
          new CompressRequest(teacher, recipe, DATA, folder.resolve(name)), Progress.none());
    }
    for (String file :
        List.of("model.json", "weights.safetensors", "model.onnx", "golden.safetensors")) {
      assertThat(folder.resolve("a").resolve(file))
          .hasSameBinaryContentAs(folder.resolve("b").resolve(file));
    }
  }

  @Test
  void what_cannot_be_read_or_would_be_overwritten_is_refused_in_one_line(@TempDir Path folder)
      throws Exception {
    CompressionRecipe recipe = RecipeYaml.parse("r.yaml", "steps:\n  - quantize: {}\n");
    Path teacher = teacher(folder);
    assertThatThrownBy(
            () ->
                MAKING.compress(
                    new CompressRequest(teacher, recipe, DATA, teacher), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("not empty")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> MAKING.evaluate(folder.resolve("nothing"), DATA, Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("no such file");
    Path garbage = Files.write(folder.resolve("x.onnx"), new byte[] {9, 9, 9});
    assertThatThrownBy(() -> MAKING.evaluate(garbage, DATA, Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageNotContaining("\n");
  }

  @Test
  void pictures_that_were_skipped_are_named_in_the_report_and_to_the_caller(@TempDir Path folder)
      throws Exception {
    Path shots = Files.createDirectories(folder.resolve("shots"));
    pictures(shots.resolve("monday"));
    pictures(shots.resolve("tuesday"));
    Files.write(shots.resolve("monday").resolve("broken.png"), new byte[] {1, 2, 3});
    CompressionRecipe recipe =
        RecipeYaml.parse(
            "r.yaml",
            "steps:\n  - distill: {student: separable_small, width: 0.25, softLossWeight: 1,"
                + " unlabelled: '%s', epochs: 1}\n".formatted(shots));
    Path out = folder.resolve("student");
    CompressedModel made =
        new StudentMaking(data -> new AnyData(), new Evaluator(System::nanoTime))
            .compress(new CompressRequest(teacher(folder), recipe, DATA, out), Progress.none());
    assertThat(made.warnings()).hasSize(2);
    assertThat(made.warnings().get(0)).isEqualTo(shots + ": 1 files were skipped");
    assertThat(made.warnings().get(1)).startsWith("monday/broken.png skipped: ");
    JsonNode report = new ObjectMapper().readTree(out.resolve("report.json").toFile());
    assertThat(report.path("notes").path("warnings").findValuesAsText("skipped"))
        .isEqualTo(made.warnings());
    assertThat(Files.readString(out.resolve("report.html"))).contains("monday/broken.png skipped");
  }

  /** Learns nothing, from whatever it is given. */
  private static final class AnyData implements StudentTrainer {
    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      return Networks.lived(start, plan.seed());
    }

    @Override
    public StudentTrainer on(Dataset other) {
      return this;
    }
  }

  /** Two classes of six grey pictures each. */
  private static Path pictures(Path folder) throws Exception {
    for (int i = 0; i < 12; i++) {
      Path place = folder.resolve(i % 2 == 0 ? "a" : "b");
      Files.createDirectories(place);
      ImageIO.write(
          new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY),
          "png",
          place.resolve(i + ".png").toFile());
    }
    return folder;
  }

  private static Path teacher(Path folder) throws Exception {
    Path teacher = folder.resolve("teacher");
    try (PartialFolder partial = PartialFolder.open(teacher)) {
      ModelStore.write(
          partial.path(),
          new StoredModel(
              Networks.catalogue("resnet8", "1x28x28", 0.25, SEED),
              DATA.load().labels(),
              new Preprocessing(List.of(0.28f), List.of(0.35f)),
              new Provenance("", "", Map.of(), SEED, Map.of())));
      partial.commit();
    }
    return teacher;
  }

  private static Reproduction.Places places(Optional<Path> teacher, Optional<DataSpec> data) {
    return new Reproduction.Places(teacher, data, List.of(), Optional.empty());
  }

  @Test
  void a_student_can_be_made_again_from_what_its_folder_says(@TempDir Path folder)
      throws Exception {
    Path teacher = teacher(folder);
    CompressionRecipe recipe =
        RecipeYaml.parse("r.yaml", "seed: 3\nsteps:\n  - prune: {ratio: 0.4}\n");
    Path student = folder.resolve("student");
    MAKING.compress(new CompressRequest(teacher, recipe, DATA, student), Progress.none());
    Path again = folder.resolve("again");
    MAKING.compress(
        Reproduction.request(student, Reproduction.Places.AS_RECORDED, again), Progress.none());
    assertThat(Reproduction.compare(student, again).files())
        .containsOnlyKeys("model.onnx", "weights.safetensors")
        .doesNotContainValue(false);
    byte[] weights = Files.readAllBytes(again.resolve("weights.safetensors"));
    weights[weights.length - 1] ^= 1;
    Files.write(again.resolve("weights.safetensors"), weights);
    assertThat(Reproduction.compare(student, again).files())
        .containsEntry("model.onnx", true)
        .containsEntry("weights.safetensors", false);
    assertThatThrownBy(
            () ->
                Reproduction.request(
                    student, places(Optional.of(again), Optional.empty()), folder.resolve("third")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("--teacher");
    Path other = pictures(folder.resolve("pictures"));
    assertThatThrownBy(
            () ->
                Reproduction.request(
                    student,
                    places(Optional.empty(), Optional.of(DataSpec.parse("images:" + other))),
                    folder.resolve("third")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("--data");
    assertThatThrownBy(
            () ->
                Reproduction.request(
                    teacher, Reproduction.Places.AS_RECORDED, folder.resolve("third")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("Only students can be reproduced");
  }
}
