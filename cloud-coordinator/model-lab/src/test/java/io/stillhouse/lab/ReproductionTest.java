package io.stillhouse.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.Tools;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PhotoFolder;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.network.NetworkCatalog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A student of two teachers and unlabelled pictures, of which one input after the other changes.
 */
class ReproductionTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SEED = 4;

  /** Training changes nothing here: what is tested is what its inputs are. */
  private static final StudentMaking MAKING =
      new StudentMaking(data -> new Untaught(), new Evaluator(System::nanoTime));

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  private static final class Untaught implements StudentTrainer {
    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      return Networks.lived(start, plan.seed());
    }

    @Override
    public StudentTrainer on(Dataset other) {
      return this;
    }
  }

  @BeforeEach
  void made() throws Exception {
    PhotoFolder.write(folder.resolve("photos"), 2, 10, SEED);
    PhotoFolder.write(folder.resolve("pictures"), 2, 9, SEED + 1);
    teacher("a", SEED);
    teacher("b", SEED + 1);
    // As a person writes them who stands in some working directory.
    Path relative = Path.of("").toAbsolutePath().relativize(folder);
    String recipe =
        """
        steps:
          - distill:
              student: resnet8
              width: 0.25
              softLossWeight: 1
              teachers: ['%s']
              unlabelled: '%s'
              epochs: 1
        """
            .formatted(relative.resolve("b"), relative.resolve("pictures"));
    MAKING.compress(
        new CompressRequest(
            relative.resolve("a"),
            RecipeYaml.parse("r.yaml", recipe),
            DataSpec.parse("images:" + relative.resolve("photos")),
            folder.resolve("student")),
        Progress.none());
  }

  private void teacher(String name, long seed) throws Exception {
    try (PartialFolder partial = PartialFolder.open(folder.resolve(name))) {
      ModelStore.write(
          partial.path(),
          new StoredModel(
              RandomWeights.of(
                  NetworkCatalog.build("resnet8", ImageShape.parse("3x32x32"), 2, 0.25), seed),
              List.of("class-0", "class-1"),
              new Preprocessing(List.of(0.3f, 0.3f, 0.3f), List.of(0.2f, 0.2f, 0.2f)),
              new Provenance("", "", Map.of(), seed, Map.of())));
      partial.commit();
    }
  }

  private CompressRequest request(Reproduction.Places places) {
    return Reproduction.request(folder.resolve("student"), places, folder.resolve("again"));
  }

  private void refused(String... said) {
    assertThatThrownBy(() -> request(Reproduction.Places.AS_RECORDED))
        .isInstanceOf(LabException.class)
        .hasMessageContainingAll(said)
        .hasMessageNotContaining("\n");
  }

  private void edit(String folderName, String file, Consumer<ObjectNode> change) throws Exception {
    Path path = folder.resolve(folderName).resolve(file);
    ObjectNode root = (ObjectNode) JSON.readTree(path.toFile());
    change.accept(root);
    Files.writeString(path, JSON.writeValueAsString(root));
  }

  @Test
  void the_folder_knows_every_input_by_content_and_where_it_lay_from_anywhere() throws Exception {
    JsonNode origin =
        JSON.readTree(folder.resolve("student").resolve("report.json").toFile()).path("origin");
    Path top = folder.toAbsolutePath().normalize();
    assertThat(origin.path("teacher").asText()).isEqualTo(top.resolve("a").toString());
    assertThat(origin.path("data").asText()).isEqualTo("images:" + top.resolve("photos"));
    assertThat(origin.path("teacher2").asText()).isEqualTo(top.resolve("b").toString());
    assertThat(origin.path("unlabelled").asText()).isEqualTo(top.resolve("pictures").toString());
    Provenance provenance = ModelStore.read(folder.resolve("student")).provenance();
    assertThat(provenance.recipe().get("inputs"))
        .isEqualTo(
            Map.of(
                "teacher2",
                ModelStore.weightsDigest(folder.resolve("b")).sha256Hex(),
                "unlabelled",
                origin.path("unlabelledSha256").asText()));
    assertThat(provenance.tools())
        .isEqualTo(Tools.used())
        .containsOnlyKeys("lab", "libtorch", "onnxruntime", "jdk", "kernels");
  }

  @Test
  void inputs_that_were_moved_are_named_and_give_the_same_bytes() throws Exception {
    for (String name : List.of("a", "b", "photos", "pictures")) {
      Files.move(folder.resolve(name), folder.resolve("moved-" + name));
    }
    refused("teacher ", "there is no such folder", "--teacher");
    Optional<Path> teacher = Optional.of(folder.resolve("moved-a"));
    Optional<DataSpec> data =
        Optional.of(DataSpec.parse("images:" + folder.resolve("moved-photos")));
    assertThatThrownBy(
            () ->
                request(
                    new Reproduction.Places(
                        teacher, Optional.empty(), List.of(), Optional.empty())))
        .hasMessageContainingAll("data images:", "there is no such folder", "--data");
    assertThatThrownBy(
            () -> request(new Reproduction.Places(teacher, data, List.of(), Optional.empty())))
        .hasMessageContainingAll("teacher2 ", "there is no such folder", "--further-teacher");
    List<Path> further = List.of(folder.resolve("moved-b"));
    assertThatThrownBy(
            () -> request(new Reproduction.Places(teacher, data, further, Optional.empty())))
        .hasMessageContainingAll("unlabelled ", "there is no such folder", "--unlabelled");

    MAKING.compress(
        request(
            new Reproduction.Places(
                teacher, data, further, Optional.of(folder.resolve("moved-pictures")))),
        Progress.none());

    Reproduction.Comparison compared =
        Reproduction.compare(folder.resolve("student"), folder.resolve("again"));
    assertThat(compared.same()).isTrue();
    assertThat(compared.tools()).isEmpty();
    assertThat(ModelStore.read(folder.resolve("again")).provenance().recipe().get("inputs"))
        .isEqualTo(ModelStore.read(folder.resolve("student")).provenance().recipe().get("inputs"));
  }

  @Test
  void a_picture_less_is_the_reason_of_the_refusal() throws Exception {
    Files.delete(folder.resolve("pictures").resolve("class-1").resolve("3.png"));
    refused("unlabelled ", "pictures", "its content has digest", "--unlabelled");
  }

  @Test
  void another_further_teacher_is_the_reason_of_the_refusal() throws Exception {
    PartialFolder.removeTree(folder.resolve("b"));
    teacher("b", SEED + 2);
    refused("teacher2 ", "its content has digest", "--further-teacher");
  }

  @Test
  void other_data_is_the_reason_of_the_refusal() throws Exception {
    Files.delete(folder.resolve("photos").resolve("class-0").resolve("3.png"));
    refused("data images:", "its content has digest", "--data");
  }

  @Test
  void places_that_do_not_fit_the_recipe_are_refused() {
    List<Path> two = List.of(folder.resolve("b"), folder.resolve("a"));
    assertThatThrownBy(
            () ->
                request(
                    new Reproduction.Places(
                        Optional.empty(), Optional.empty(), two, Optional.empty())))
        .hasMessageContaining("2 are given, the recipe names 1");
  }

  @Test
  void folders_of_earlier_versions_are_read_and_their_inputs_believed() throws Exception {
    edit(
        "student",
        "model.json",
        root -> {
          ((ObjectNode) root.path("provenance").path("recipe")).remove("inputs");
          ((ObjectNode) root.path("provenance")).putObject("tools").put("onnxruntime", "1.0");
        });
    edit(
        "student",
        "report.json",
        root -> ((ObjectNode) root.path("origin")).remove(List.of("teacher2", "unlabelled")));
    Files.delete(folder.resolve("pictures").resolve("class-1").resolve("3.png"));
    MAKING.compress(request(Reproduction.Places.AS_RECORDED), Progress.none());
    assertThat(Reproduction.compare(folder.resolve("student"), folder.resolve("again")).tools())
        .containsOnlyKeys("lab", "libtorch", "onnxruntime", "jdk", "kernels")
        .containsEntry(
            "onnxruntime",
            new Reproduction.Comparison.Change(
                "1.0", String.valueOf(Tools.used().get("onnxruntime"))));
  }

  @Test
  void a_tool_of_another_version_is_named() throws Exception {
    PartialFolder.removeTree(folder.resolve("again"));
    MAKING.compress(request(Reproduction.Places.AS_RECORDED), Progress.none());
    edit(
        "again",
        "model.json",
        root ->
            ((ObjectNode) root.path("provenance").path("tools")).put("kernels", "aarch64 asimd"));
    Reproduction.Comparison compared =
        Reproduction.compare(folder.resolve("student"), folder.resolve("again"));
    assertThat(compared.same()).isTrue();
    assertThat(compared.tools())
        .containsOnlyKeys("kernels")
        .hasValueSatisfying(
            new org.assertj.core.api.Condition<>(
                change -> change.now().equals("aarch64 asimd"), "now"));
  }
}
