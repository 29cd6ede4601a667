package io.stillhouse.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.model.Digest;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Makes a student again from what its folder says of its origin, and compares. */
public final class Reproduction {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Reproduction() {}

  /**
   * A request that should give the same student.
   *
   * @param student a folder that {@link ModelLab#compress} made
   * @param teacher where its teacher lies now; where it lay then when absent
   * @param data where the data lies now; where it lay then when absent
   * @throws LabException when the folder does not say how it was made, or its teacher or data are
   *     others than they were
   */
  public static CompressRequest request(
      Path student, Optional<Path> teacher, Optional<DataSpec> data, Path out) {
    Provenance provenance = ModelStore.read(student).provenance();
    Object yaml = provenance.recipe().get("yaml");
    if (!(yaml instanceof String text)) {
      throw new LabException(
          "model " + student,
          "it does not say by which recipe it was made",
          "Only students can be reproduced, a teacher is trained with 'lab train'");
    }
    JsonNode origin = origin(student);
    Path from =
        teacher.orElseGet(() -> Path.of(origin.path(StudentMaking.ORIGIN_TEACHER).asText()));
    requireSame(
        "teacher " + from,
        StudentMaking.weightsDigest(from).sha256Hex(),
        provenance.teacherSha256(),
        "Name the right folder with --teacher");
    DataSpec spec =
        data.orElseGet(() -> DataSpec.parse(origin.path(StudentMaking.ORIGIN_DATA).asText()));
    // Read twice rather than found out after hours of training.
    requireSame(
        "data " + spec,
        spec.load().digest().sha256Hex(),
        provenance.datasetSha256(),
        "Name the right data with --data");
    return new CompressRequest(
        from,
        recipe(student, text),
        spec,
        out,
        Math.max(1, origin.path(StudentMaking.ORIGIN_THREADS).asInt(1)));
  }

  private static void requireSame(String what, String now, String then, String remedy) {
    if (!now.equals(then)) {
      throw new LabException(
          what, "its content has digest %.12s now, and had %.12s".formatted(now, then), remedy);
    }
  }

  private static CompressionRecipe recipe(Path student, String text) {
    try {
      return RecipeYaml.parse(student.resolve(ModelStore.MODEL_JSON).toString(), text);
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "model " + student,
          "its recipe cannot be read: " + e.getMessage(),
          "The folder was changed; use the one that the lab wrote",
          e);
    }
  }

  private static JsonNode origin(Path student) {
    try {
      return JSON.readTree(Files.readAllBytes(student.resolve(StudentFolder.REPORT)))
          .path("origin");
    } catch (IOException e) {
      throw new LabException(
          "model " + student,
          "its report cannot be read: " + e.getMessage(),
          "Name a folder that the lab made",
          e);
    }
  }

  /** Whether the files that matter are the same bytes, by name. */
  public static Map<String, Boolean> compare(Path student, Path copy) {
    Map<String, Boolean> same = new LinkedHashMap<>();
    for (String file : new String[] {Evaluator.MODEL_ONNX, ModelStore.WEIGHTS}) {
      same.put(file, digest(student.resolve(file)).equals(digest(copy.resolve(file))));
    }
    return same;
  }

  private static Digest digest(Path file) {
    try {
      return Digest.ofFile(file);
    } catch (IOException e) {
      throw new LabException(
          "file " + file, "it cannot be read: " + e.getMessage(), "Check the folder", e);
    }
  }
}
