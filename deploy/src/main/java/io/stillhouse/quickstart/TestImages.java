package io.stillhouse.quickstart;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Images;

/** Labelled test images as raw pixels, NCHW, one unsigned byte each. Immutable. */
final class TestImages {
  private final Images images;

  TestImages(Images images) {
    this.images = images;
  }

  /** The test images of the data set that the product ships. */
  static TestImages builtin() {
    return new TestImages(DataSpec.parse("builtin:fashion-mnist-12k").load().test());
  }

  int count() {
    return images.count();
  }

  int channels() {
    return images.shape().channels();
  }

  int height() {
    return images.shape().height();
  }

  int width() {
    return images.shape().width();
  }

  int label(int image) {
    return images.label(image);
  }

  /** The raw pixels of one image, NCHW. */
  byte[] pixels(int image) {
    byte[] pixels = new byte[(int) images.shape().elements()];
    images.copy(image, pixels, 0);
    return pixels;
  }
}
