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
   * @throws LabException when the folder does not say how it was made, or its teacher is another
   */
  public static CompressRequest request(
      Path student, Optional<Path> teacher, Optional<DataSpec> data, Path out) {
    Provenance provenance = ModelStore.read(student).provenance();
    Object yaml = provenance.recipe().get("yaml");
    JsonNode origin = origin(student);
    if (!(yaml instanceof String text) || !origin.isObject()) {
      throw new LabException(
          "model " + student,
          "it does not say how it was made again",
          "Only students of 'lab compress' can be reproduced");
    }
    Path from =
        teacher.orElseGet(() -> Path.of(origin.path(StudentMaking.ORIGIN_TEACHER).asText()));
    String digest = StudentMaking.weightsDigest(from).sha256Hex();
    if (!digest.equals(provenance.teacherSha256())) {
      throw new LabException(
          "teacher " + from,
          "its weights have digest %.12s, the student's teacher had %.12s"
              .formatted(digest, provenance.teacherSha256()),
          "Name the right folder with --teacher");
    }
    return new CompressRequest(
        from,
        RecipeYaml.parse(student.resolve(StudentFolder.REPORT).toString(), text),
        data.orElseGet(() -> DataSpec.parse(origin.path(StudentMaking.ORIGIN_DATA).asText())),
        out,
        Math.max(1, origin.path(StudentMaking.ORIGIN_THREADS).asInt(1)));
  }

  private static JsonNode origin(Path student) {
    try {
      return JSON.readTree(Files.readAllBytes(student.resolve(StudentFolder.REPORT)))
          .path("origin");
    } catch (IOException e) {
      throw new LabException(
          "model " + student,
          "its report cannot be read: " + e.getMessage(),
          "Name a folder that 'lab compress' made",
          e);
    }
  }

  /** Refuses a copy that was made from other data than the original. */
  public static void requireSameData(Path student, Path copy) {
    String then = ModelStore.read(student).provenance().datasetSha256();
    String now = ModelStore.read(copy).provenance().datasetSha256();
    if (!then.equals(now)) {
      throw new LabException(
          "data of " + student,
          "its content has digest %.12s now, and had %.12s".formatted(now, then),
          "Name the right data with --data");
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
