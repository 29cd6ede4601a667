package io.stillhouse.server.device;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.util.Map;

/** What labels may look like. */
final class Labels {
  private static final int LABELS_MAX = 32;
  private static final String KEY = "[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}";
  private static final int VALUE_CHARS_MAX = 63;

  private Labels() {}

  static Map<String, String> checked(Map<String, String> labels) {
    if (labels.size() > LABELS_MAX) {
      throw refused(labels.size() + " labels (expected: at most " + LABELS_MAX + ")");
    }
    labels.forEach(
        (key, value) -> {
          if (!key.matches(KEY)) {
            throw refused("label name (expected: " + KEY + ")");
          }
          if (value.length() > VALUE_CHARS_MAX || value.chars().anyMatch(Character::isISOControl)) {
            throw refused(
                "value of %s (expected: at most %d printable characters)"
                    .formatted(key, VALUE_CHARS_MAX));
          }
        });
    return Map.copyOf(labels);
  }

  private static CoordinatorException refused(String why) {
    return new CoordinatorException(
        ErrorCategory.INVALID, "cannot set labels", why, "correct the labels and try again");
  }
}
