package io.stillhouse.agent;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.serving.RestSettings;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/** Reads the agent's YAML file. A key that is not known is an error: it was meant for something. */
final class AgentConfigReader {
  private static final long FILE_BYTES_MAX = 64 << 10;
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private final Path file;

  private AgentConfigReader(Path file) {
    this.file = file;
  }

  /**
   * Reads a configuration; what it does not name keeps its default.
   *
   * @throws AgentException with the key that is wrong
   */
  static AgentConfig read(Path file) {
    AgentConfigReader reader = new AgentConfigReader(file);
    try {
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw reader.wrong("larger than " + FILE_BYTES_MAX + " bytes");
      }
      JsonNode root = YAML.readTree(Files.readString(file));
      return root == null || root.isNull() || root.isMissingNode()
          ? AgentConfig.DEFAULT
          : reader.config(root);
    } catch (NoSuchFileException e) {
      throw new AgentException(
          "configuration " + file, "there is no such file", "Check --config, or leave it out", e);
    } catch (JsonProcessingException e) {
      throw reader.wrong("not YAML: " + e.getOriginalMessage().replaceAll("\\p{Cntrl}+", " "));
    } catch (MalformedInputException e) {
      throw reader.wrong("it is no UTF-8 text");
    } catch (IllegalArgumentException | IOException e) {
      throw reader.wrong(String.valueOf(e.getMessage()));
    }
  }

  private AgentConfig config(JsonNode root) {
    AgentConfig otherwise = AgentConfig.DEFAULT;
    known("", root, List.of("name", "rest", "telemetry", "limits", "artifact"));
    JsonNode rest = known("rest", root.path("rest"), List.of("host", "port"));
    JsonNode telemetry =
        known("telemetry", root.path("telemetry"), List.of("windowMillis", "spoolBytesMax"));
    JsonNode limits =
        known(
            "limits",
            root.path("limits"),
            List.of(
                "board",
                "inferenceThreads",
                "memoryBytesMax",
                "fileBytesMax",
                "latencyP99MicrosMax",
                "simulated"));
    JsonNode artifact = known("artifact", root.path("artifact"), List.of("storageBytesMax"));
    return new AgentConfig(
        text(root, "name", otherwise.name()),
        new RestSettings(
            text(rest, "host", otherwise.rest().host()),
            smallNumber(rest, "port", otherwise.rest().port())),
        new AgentConfig.Spooling(
            Duration.ofMillis(
                number(telemetry, "windowMillis", otherwise.telemetry().window().toMillis())),
            number(telemetry, "spoolBytesMax", otherwise.telemetry().spoolBytesMax())),
        new DeviceLimits(
            text(limits, "board", ""),
            smallNumber(limits, "inferenceThreads", 0),
            new DeviceLimits.ModelLimits(
                number(limits, "memoryBytesMax", 0),
                number(limits, "fileBytesMax", 0),
                number(limits, "latencyP99MicrosMax", 0)),
            flag(limits, "simulated")),
        new AgentConfig.Storage(number(artifact, "storageBytesMax", 0)));
  }

  private JsonNode known(String section, JsonNode node, List<String> keys) {
    if (!node.isMissingNode() && !node.isObject()) {
      throw wrong(section + ": not a group of keys");
    }
    for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!keys.contains(name)) {
        throw wrong(
            "%s%s is not known (expected: one of %s)"
                .formatted(section.isEmpty() ? "" : section + ".", name, String.join(", ", keys)));
      }
    }
    return node;
  }

  private String text(JsonNode node, String key, String otherwise) {
    JsonNode value = node.path(key);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isValueNode()) {
      throw wrong(key + ": not a single value");
    }
    return value.asText();
  }

  private long number(JsonNode node, String key, long otherwise) {
    JsonNode value = node.path(key);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw wrong("%s: %s (expected: a whole number)".formatted(key, value));
    }
    return value.asLong();
  }

  private int smallNumber(JsonNode node, String key, int otherwise) {
    long value = number(node, key, otherwise);
    if (value != (int) value) {
      throw wrong("%s: %d (expected: a smaller number)".formatted(key, value));
    }
    return (int) value;
  }

  private boolean flag(JsonNode node, String key) {
    JsonNode value = node.path(key);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw wrong("%s: %s (expected: true or false)".formatted(key, value));
    }
    return value.asBoolean(false);
  }

  private AgentException wrong(String why) {
    return new AgentException("configuration " + file, why, "Correct the file");
  }
}
