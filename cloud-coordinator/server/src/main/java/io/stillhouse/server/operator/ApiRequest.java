package io.stillhouse.server.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.ServiceJson;
import java.util.Map;
import java.util.Optional;

/**
 * A call of the API, taken apart.
 *
 * @param path values of the path's variables
 * @param query first value of each query parameter
 * @param body as it came; may be empty
 */
record ApiRequest(Map<String, String> path, Map<String, String> query, String body) {
  /** Longest value of a path variable. */
  private static final int VALUE_CHARACTERS_MAX = 200;

  String text(String variable) {
    String value = path.getOrDefault(variable, "");
    if (value.isBlank() || value.length() > VALUE_CHARACTERS_MAX) {
      throw invalid(variable, "'" + clip(value) + "' is not a name", "correct the address");
    }
    return value;
  }

  long version(String variable) {
    String value = text(variable);
    try {
      long version = Long.parseLong(value);
      if (version > 0) {
        return version;
      }
    } catch (NumberFormatException e) {
      throw invalid(
          variable, "'" + clip(value) + "' is not a number from 1", "correct the address");
    }
    throw invalid(variable, "'" + clip(value) + "' is not a number from 1", "correct the address");
  }

  int number(String parameter, int fallback, int max) {
    String value = Optional.ofNullable(query.get(parameter)).orElse(String.valueOf(fallback));
    try {
      int number = Integer.parseInt(value);
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw invalid(parameter, "'" + clip(value) + "' is not a number", "use 1 to " + max);
    }
    throw invalid(parameter, "'" + clip(value) + "' is out of range", "use 1 to " + max);
  }

  /** The body as a record; an empty body is an empty object. */
  <T> T body(Class<T> type) {
    try {
      T read = ServiceJson.mapper().readValue(body.isBlank() ? "{}" : body, type);
      if (read == null) {
        throw invalid("request body", "it is null", "send a JSON object");
      }
      return read;
    } catch (UnrecognizedPropertyException e) {
      throw invalid(
          "request body",
          "unknown property " + path(e),
          "the known ones are " + e.getKnownPropertyIds());
    } catch (JsonMappingException e) {
      String at = path(e);
      throw invalid(
          "request body",
          (at.isEmpty() ? "" : at + ": ") + clip(String.valueOf(e.getOriginalMessage())),
          "see /openapi.json");
    } catch (JsonProcessingException e) {
      throw invalid(
          "request body",
          "no JSON: " + clip(String.valueOf(e.getOriginalMessage())),
          "send a JSON object");
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

  private static String clip(String text) {
    return text.length() <= VALUE_CHARACTERS_MAX
        ? text
        : text.substring(0, VALUE_CHARACTERS_MAX) + "...";
  }

  private static CoordinatorException invalid(String what, String why, String fix) {
    return new CoordinatorException(ErrorCategory.INVALID, "cannot take " + what, why, fix);
  }
}
