package io.stillhouse.lab.export;

/** IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. */
final class Half {
  /** Largest finite value. */
  static final float MAX = 65_504f;

  private Half() {}

  /** Nearest half, ties to even; refuses what would become infinite. */
  static short of(float value) {
    if (!(Math.abs(value) <= MAX)) {
      throw new IllegalArgumentException(
          "weight: %s (expected: finite, up to %s in fp16)".formatted(value, MAX));
    }
    int bits = Float.floatToIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    int fraction = bits & 0x7fffff;
    if (exponent <= 0) {
      if (exponent < -10) {
        return (short) sign; // below half of the smallest subnormal
      }
      return (short) (sign | rounded(fraction | 0x800000, 14 - exponent));
    }
    // A carry out of the fraction rightly raises the exponent.
    return (short) (sign | ((exponent << 10) + rounded(fraction, 13)));
  }

  private static int rounded(int value, int drop) {
    int kept = value >>> drop;
    int rest = value & ((1 << drop) - 1);
    int half = 1 << (drop - 1);
    return rest > half || (rest == half && (kept & 1) == 1) ? kept + 1 : kept;
  }

  /** Exact value of a half. */
  static float toFloat(short half) {
    int exponent = (half >>> 10) & 0x1f;
    int fraction = half & 0x3ff;
    double size =
        exponent == 0
            ? fraction * 0x1p-24
            : exponent == 31
                ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                : Math.scalb(1 + fraction * 0x1p-10, exponent - 15);
    return (float) ((half & 0x8000) == 0 ? size : -size);
  }
}
