package io.stillhouse.model.recipe;

/** Refuses values with the field, the value and what was expected, in one line. */
final class Expected {
  private Expected() {}

  static void that(boolean holds, String field, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (expected: %s)".formatted(field, value, expected));
    }
  }
}
