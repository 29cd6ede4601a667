package io.stillhouse.lab.report;

import java.util.Locale;
import java.util.OptionalLong;

/** How figures are written for people, the same in every locale. */
final class Figures {
  private Figures() {}

  static String whole(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  static String whole(OptionalLong value) {
    return value.isPresent() ? whole(value.getAsLong()) : "–";
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f", 100 * share);
  }

  static String points(double share) {
    return String.format(Locale.ROOT, "%+.2f points", 100 * share);
  }

  /** By how much a figure fell, or rose. */
  static String factor(long before, long after) {
    if (before == 0 || after == 0) {
      return "–";
    }
    return before >= after
        ? String.format(Locale.ROOT, "%.2f times less", (double) before / after)
        : String.format(Locale.ROOT, "%.2f times more", (double) after / before);
  }

  static String text(Object value) {
    if (value instanceof Double || value instanceof Float) {
      return String.format(Locale.ROOT, "%.4g", ((Number) value).doubleValue());
    }
    if (value instanceof Long || value instanceof Integer) {
      return whole(((Number) value).longValue());
    }
    return String.valueOf(value);
  }
}
