package io.stillhouse.lab.network;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.model.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model as a folder: {@code model.json} (graph, labels, preprocessing, provenance) and {@code
 * weights.safetensors}. What else a caller puts beside them travels along.
 */
public final class ModelStore {
  public static final String MODEL_JSON = "model.json";
  public static final String WEIGHTS = "weights.safetensors";
  private static final long MODEL_JSON_BYTES_MAX = 16L << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private ModelStore() {}

  /** Writes both files into a folder that a {@link PartialFolder} has opened. */
  public static void write(Path folder, StoredModel model) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "stillhouse-model-1");
    root.set("graph", GraphJson.write(model.network().graph()));
    root.set("labels", JSON.valueToTree(model.labels()));
    root.set("preprocessing", JSON.valueToTree(model.preprocessing()));
    root.set("provenance", JSON.valueToTree(model.provenance()));
    Files.writeString(
        folder.resolve(MODEL_JSON),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    SafeTensors.write(folder.resolve(WEIGHTS), model.network().weights());
  }

  public static StoredModel read(Path folder) {
    Path file = folder.resolve(MODEL_JSON);
    if (!Files.isRegularFile(file)) {
      throw new LabException(
          "model " + folder,
          "there is no " + MODEL_JSON + " in it",
          "Name a folder that the lab made");
    }
    try {
      if (Files.size(file) > MODEL_JSON_BYTES_MAX) {
        throw damaged(file, "it is larger than " + MODEL_JSON_BYTES_MAX + " bytes", null);
      }
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      Network network =
          new Network(
              GraphJson.read(root.path("graph")), SafeTensors.read(folder.resolve(WEIGHTS)));
      return new StoredModel(
          network, texts(root.path("labels")), preprocessing(root), provenance(root));
    } catch (IOException | IllegalArgumentException e) {
      throw damaged(file, String.valueOf(e.getMessage()), e);
    }
  }

  /** Names the weights in a model's folder by their content. */
  public static Digest weightsDigest(Path folder) {
    Path file = folder.resolve(WEIGHTS);
    if (!Files.isRegularFile(file)) {
      throw new LabException(
          "model " + folder,
          "there is no " + WEIGHTS + " in it",
          "Name a folder that the lab made");
    }
    try {
      return Digest.ofFile(file);
    } catch (IOException e) {
      throw new LabException(
          "model " + folder,
          "its weights cannot be read: " + e.getMessage(),
          "Check the disk and the permissions",
          e);
    }
  }

  private static Preprocessing preprocessing(JsonNode root) {
    return new Preprocessing(
        floats(root.path("preprocessing").path("mean")),
        floats(root.path("preprocessing").path("std")));
  }

  private static Provenance provenance(JsonNode root) {
    JsonNode json = root.path("provenance");
    Map<String, Object> recipe = new LinkedHashMap<>();
    json.path("recipe")
        .properties()
        .forEach(e -> recipe.put(e.getKey(), JSON.convertValue(e.getValue(), Object.class)));
    Map<String, String> tools = new LinkedHashMap<>();
    json.path("tools").properties().forEach(e -> tools.put(e.getKey(), e.getValue().asText()));
    return new Provenance(
        json.path("teacherSha256").asText(),
        json.path("datasetSha256").asText(),
        recipe,
        json.path("seed").asLong(),
        tools);
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(item -> texts.add(item.asText()));
    return texts;
  }

  private static List<Float> floats(JsonNode array) {
    List<Float> floats = new ArrayList<>();
    array.forEach(item -> floats.add((float) item.asDouble(Double.NaN)));
    return floats;
  }

  private static LabException damaged(Path file, String why, @Nullable Exception cause) {
    LabException refused = new LabException("model " + file, why, "Make the model again");
    if (cause != null) {
      refused.initCause(cause);
    }
    return refused;
  }
}
