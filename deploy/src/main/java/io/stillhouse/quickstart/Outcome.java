package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.drive.DriveException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the story found, as the table that it ends with and as the JSON of {@code --json}. */
final class Outcome {
  private final ObjectMapper json = new ObjectMapper();
  private final Map<String, JsonNode> variantByDigest = new LinkedHashMap<>();
  private final List<JsonNode> rollouts = new ArrayList<>();
  private final Map<String, Double> accuracyByDevice = new LinkedHashMap<>();
  private JsonNode teacher = json.createObjectNode();
  private JsonNode variants = json.createArrayNode();
  private JsonNode devices = json.createArrayNode();
  private JsonNode telemetry = json.createObjectNode();

  void teacher(JsonNode found) {
    teacher = found;
  }

  void variants(JsonNode found) {
    variants = found;
    for (JsonNode variant : found) {
      variantByDigest.put(variant.path("digest").asText(), variant);
    }
  }

  void rollout(JsonNode ended) {
    rollouts.add(ended);
  }

  void devices(JsonNode found, Map<String, Double> accuracy) {
    devices = found;
    accuracyByDevice.putAll(accuracy);
  }

  void telemetry(JsonNode found) {
    telemetry = found;
  }

  /** One line per device: what it is, what it runs and how well. */
  String table() {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "device", "class", "student", "accuracy", "size", "p50/p99 us", "memory", "state"
        });
    for (JsonNode device : devices) {
      JsonNode variant =
          variantByDigest.getOrDefault(
              device.path("runningDigest").asText(), json.createObjectNode());
      rows.add(
          new String[] {
            device.path("id").asText(),
            device.path("hardwareClass").asText(),
            variant.path("network").asText() + " " + variant.path("precision").asText(),
            percent(accuracyByDevice.getOrDefault(device.path("id").asText(), Double.NaN)),
            Story.bytes(variant.path("fileBytes").asLong()),
            device.path("latencyP50Micros").asLong()
                + "/"
                + device.path("latencyP99Micros").asLong(),
            Story.bytes(device.path("residentBytes").asLong()),
            device.path("state").asText()
          });
    }
    int columns = rows.get(0).length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      for (int c = 0; c < columns; c++) {
        text.append(row[c]).append(" ".repeat(widths[c] - row[c].length() + 2));
      }
      text.append('\n');
    }
    return text.toString();
  }

  ObjectNode toJson(double seconds, long peakResidentBytes) {
    ObjectNode root = json.createObjectNode();
    root.set("teacher", pick(teacher, "network", "accuracy", "params", "fileBytes"));
    ArrayNode variantList = root.putArray("variants");
    for (JsonNode variant : variants) {
      variantList.add(
          pick(
              variant,
              "hardwareClass",
              "digest",
              "network",
              "precision",
              "accuracy",
              "fileBytes",
              "latencyP50Micros"));
    }
    ArrayNode deviceList = root.putArray("devices");
    for (JsonNode device : devices) {
      ObjectNode entry = pick(device, "id", "hardwareClass", "runningDigest", "state");
      double share = accuracyByDevice.getOrDefault(device.path("id").asText(), Double.NaN);
      // JSON has no word for what is not a number.
      if (Double.isNaN(share)) {
        entry.putNull("accuracy");
      } else {
        entry.put("accuracy", share);
      }
      deviceList.add(entry);
    }
    ArrayNode rolloutList = root.putArray("rollouts");
    for (JsonNode rollout : rollouts) {
      rolloutList.add(pick(rollout, "id", "model", "state", "reason"));
    }
    root.set("telemetry", pick(telemetry, "sent", "received", "lost"));
    root.put("durationSeconds", Math.round(seconds * 10) / 10.0);
    root.put("peakResidentBytes", peakResidentBytes);
    return root;
  }

  /** Writes the JSON whole or not at all. */
  void write(Path file, ObjectNode document) {
    Path target = file.toAbsolutePath();
    Path partial = target.resolveSibling(target.getFileName() + ".partial");
    try {
      Files.writeString(
          partial, json.writerWithDefaultPrettyPrinter().writeValueAsString(document) + "\n");
      Files.move(
          partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new DriveException(
          "writing " + file, String.valueOf(e.getMessage()), "Choose a writable --json FILE");
    }
  }

  private ObjectNode pick(JsonNode from, String... fields) {
    ObjectNode picked = json.createObjectNode();
    for (String field : fields) {
      picked.set(field, from.path(field).isMissingNode() ? json.nullNode() : from.path(field));
    }
    return picked;
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "-" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }
}
