package io.stillhouse.quickstart;

/** Labelled test images as raw pixels, NCHW, one unsigned byte each. Immutable. */
final class TestImages {
  private final byte[] pixels;
  private final int[] labels;
  private final int channels;
  private final int height;
  private final int width;

  TestImages(byte[] pixels, int[] labels, int channels, int height, int width) {
    if (pixels.length != labels.length * channels * height * width) {
      throw new IllegalArgumentException(
          "pixels: %d (expected: %d images of %dx%dx%d)"
              .formatted(pixels.length, labels.length, channels, height, width));
    }
    this.pixels = pixels.clone();
    this.labels = labels.clone();
    this.channels = channels;
    this.height = height;
    this.width = width;
  }

  /** The test images of the data set that the product ships. */
  static TestImages builtin() {
    throw new AssertionError();
  }

  int count() {
    return labels.length;
  }

  int channels() {
    return channels;
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }

  int pixelsPerImage() {
    return channels * height * width;
  }

  int label(int image) {
    return labels[image];
  }

  int pixel(int image, int index) {
    return pixels[image * pixelsPerImage() + index] & 0xff;
  }
}
