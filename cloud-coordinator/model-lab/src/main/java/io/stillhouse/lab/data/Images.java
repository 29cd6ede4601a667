package io.stillhouse.lab.data;

import io.stillhouse.model.graph.ImageShape;
import java.util.Arrays;

/**
 * Labelled images of one shape: unsigned bytes, NCHW, one label each. Immutable; the bytes are
 * shared inside the lab and never handed out whole.
 */
public final class Images {
  private final ImageShape shape;
  private final byte[] pixels;
  private final int[] labels;

  /** Takes ownership of both arrays. */
  Images(ImageShape shape, byte[] pixels, int[] labels) {
    if (pixels.length != labels.length * shape.elements()) {
      throw new IllegalArgumentException(
          "pixels: %d (expected: %d images of %s)".formatted(pixels.length, labels.length, shape));
    }
    this.shape = shape;
    this.pixels = pixels;
    this.labels = labels;
  }

  /** Copies both arrays. */
  public static Images of(ImageShape shape, byte[] pixels, int[] labels) {
    return new Images(shape, pixels.clone(), labels.clone());
  }

  public int count() {
    return labels.length;
  }

  public ImageShape shape() {
    return shape;
  }

  public int label(int image) {
    return labels[image];
  }

  /** One pixel, 0 to 255. */
  public int pixel(int image, int channel, int y, int x) {
    int at = ((image * shape.channels() + channel) * shape.height() + y) * shape.width() + x;
    return pixels[at] & 0xff;
  }

  /** Copies the raw pixels of one image to {@code into} from {@code at}. */
  public void copy(int image, byte[] into, int at) {
    int length = (int) shape.elements();
    System.arraycopy(pixels, image * length, into, at, length);
  }

  /** The images at these places, in this order. */
  Images at(int[] places) {
    int each = (int) shape.elements();
    byte[] taken = new byte[Math.toIntExact((long) places.length * each)];
    int[] takenLabels = new int[places.length];
    for (int i = 0; i < places.length; i++) {
      System.arraycopy(pixels, places[i] * each, taken, i * each, each);
      takenLabels[i] = labels[places[i]];
    }
    return new Images(shape, taken, takenLabels);
  }

  /** The first {@code count} images, or all of them if there are fewer. */
  public Images first(int count) {
    int kept = Math.min(count, labels.length);
    return new Images(
        shape,
        Arrays.copyOf(pixels, Math.toIntExact(kept * shape.elements())),
        Arrays.copyOf(labels, kept));
  }
}
