package io.stillhouse.server.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a {@link CoordinatorConfig} from YAML: what the file says is laid over the defaults, so
 * each key is optional and none can be mistyped unnoticed.
 */
public final class ConfigReader {
  /** Largest configuration file that is read. */
  public static final long FILE_BYTES_MAX = 1 << 20;

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private ConfigReader() {}

  /**
   * Reads a file.
   *
   * @throws CoordinatorException when the file cannot be read or says something that does not exist
   */
  public static CoordinatorConfig read(Path file) {
    String text;
    try {
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw refused(file.toString(), "larger than " + FILE_BYTES_MAX + " bytes");
      }
      text = Files.readString(file);
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot read the configuration " + file,
          why(e),
          "check --config",
          e);
    }
    return parse(file.toString(), text);
  }

  private static String why(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file";
    }
    return e instanceof MalformedInputException ? "it is no UTF-8 text" : String.valueOf(e);
  }

  /**
   * Reads a text.
   *
   * @param name what messages call it
   */
  static CoordinatorConfig parse(String name, String text) {
    try {
      ObjectNode merged = YAML.valueToTree(CoordinatorConfig.DEFAULT);
      JsonNode given = YAML.readTree(text);
      if (given != null && !given.isMissingNode() && !given.isNull()) {
        overlay(name, "", merged, given);
      }
      return YAML.treeToValue(merged, CoordinatorConfig.class);
    } catch (JsonMappingException e) {
      Throwable cause = e.getCause();
      if (cause instanceof IllegalArgumentException) {
        throw refused(name, String.valueOf(cause.getMessage()));
      }
      throw refused(name, path(e) + ": " + e.getOriginalMessage());
    } catch (JsonProcessingException e) {
      String at = e.getLocation() == null ? "" : "line " + e.getLocation().getLineNr() + ": ";
      throw refused(name, at + e.getOriginalMessage());
    }
  }

  private static void overlay(String name, String prefix, ObjectNode onto, JsonNode given) {
    if (!given.isObject()) {
      throw refused(
          name, (prefix.isEmpty() ? "the file" : prefix) + ": not a group of keys, but " + given);
    }
    for (var entry : given.properties()) {
      String key = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
      JsonNode before = onto.get(entry.getKey());
      if (before == null) {
        List<String> known = new ArrayList<>();
        onto.fieldNames().forEachRemaining(known::add);
        throw refused(name, key + " is not a key (known here: " + String.join(", ", known) + ")");
      }
      if (before instanceof ObjectNode group) {
        overlay(name, key, group, entry.getValue());
      } else if (entry.getValue().isNull()) {
        throw refused(name, key + " has no value");
      } else if (before.isTextual() && !entry.getValue().isTextual()) {
        throw refused(name, key + ": " + entry.getValue() + " is not a text; put it in quotes");
      } else {
        onto.set(entry.getKey(), entry.getValue());
      }
    }
  }

  private static String path(JsonMappingException failure) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference step : failure.getPath()) {
      if (step.getFieldName() != null) {
        path.append(path.length() == 0 ? "" : ".").append(step.getFieldName());
      }
    }
    return path.toString();
  }

  private static CoordinatorException refused(String name, String why) {
    return new CoordinatorException(
        ErrorCategory.INVALID,
        "cannot use the configuration " + name,
        why,
        "correct it; the operator guide lists every key");
  }
}
