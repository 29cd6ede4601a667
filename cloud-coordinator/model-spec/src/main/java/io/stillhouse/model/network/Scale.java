package io.stillhouse.model.network;

/**
 * How channel numbers follow the width multiplier.
 *
 * @param rounding the rule of the family
 * @param width the multiplier
 */
record Scale(Rounding rounding, double width) {

  /** Channels that are built for a number at width 1. */
  int channels(int atWidthOne) {
    return width == 1.0 ? atWidthOne : rounding.channels(atWidthOne, width);
  }

  /** The same rule at another width. */
  Scale at(double otherWidth) {
    return new Scale(rounding, otherWidth);
  }

  /** Makes a built channel number of one at width 1. */
  interface Rounding {
    int channels(int atWidthOne, double width);

    /** Multiples of {@code multiple}; see {@link Scale#nearest}. */
    static Rounding multiplesOf(int multiple) {
      return (atWidthOne, width) -> nearest(atWidthOne * width, multiple);
    }
  }

  /**
   * Nearest multiple, at least one multiple, and never more than a tenth below the exact number
   * (the rule of the code published with the MobileNet papers).
   */
  static int nearest(double exact, int multiple) {
    int rounded = Math.max(multiple, (int) (exact + multiple / 2.0) / multiple * multiple);
    return rounded < 0.9 * exact ? rounded + multiple : rounded;
  }
}
