package io.stillhouse.model.graph;

/** Shape of one feature map without the batch axis: (channels, height, width). */
public record ImageShape(int channels, int height, int width) {
  public ImageShape {
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "shape: %dx%dx%d (expected: every side >= 1)".formatted(channels, height, width));
    }
  }

  /** Parses {@code CxHxW}, e.g. {@code 3x32x32}. */
  public static ImageShape parse(String text) {
    String[] sides = text.split("x", -1);
    if (sides.length != 3) {
      throw new IllegalArgumentException("shape: " + text + " (expected: CxHxW, e.g. 3x32x32)");
    }
    try {
      return new ImageShape(
          Integer.parseInt(sides[0]), Integer.parseInt(sides[1]), Integer.parseInt(sides[2]));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("shape: " + text + " (expected: CxHxW, e.g. 3x32x32)", e);
    }
  }

  /** Number of elements. */
  public long elements() {
    return (long) channels * height * width;
  }

  @Override
  public String toString() {
    return channels + "x" + height + "x" + width;
  }
}
