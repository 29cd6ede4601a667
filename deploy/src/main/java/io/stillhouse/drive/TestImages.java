package io.stillhouse.drive;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Images;

/** Labelled test images as raw pixels, NCHW, one unsigned byte each. Immutable. */
public final class TestImages {
  private final Images images;

  public TestImages(Images images) {
    this.images = images;
  }

  /** The test images of the data set that the product ships. */
  public static TestImages builtin() {
    return new TestImages(DataSpec.parse("builtin:fashion-mnist-12k").load().test());
  }

  public int count() {
    return images.count();
  }

  public int channels() {
    return images.shape().channels();
  }

  public int height() {
    return images.shape().height();
  }

  public int width() {
    return images.shape().width();
  }

  public int label(int image) {
    return images.label(image);
  }

  /** The raw pixels of one image, NCHW. */
  public byte[] pixels(int image) {
    byte[] pixels = new byte[(int) images.shape().elements()];
    images.copy(image, pixels, 0);
    return pixels;
  }
}
