package io.stillhouse.lab.teacher;

import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.model.graph.ImageShape;
import java.util.Arrays;
import java.util.Random;

/**
 * Random shift, mirror and hidden square while an image becomes input. A shift reads zero bytes,
 * black, from outside; what is hidden has the mean of the data. What an image gets depends on the
 * generator alone. {@link Random} is used because its sequence is part of the Java specification.
 */
final class Augmentation {
  private final Images images;
  private final TrainingPlan.Views rules;
  private final float[] scale;
  private final float[] shift;
  private final byte[] raw;

  Augmentation(Images images, Preprocessing preprocessing, TrainingPlan.Views rules) {
    this.images = images;
    this.rules = rules;
    int channels = images.shape().channels();
    this.scale = new float[channels];
    this.shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      // The same arithmetic as Preprocessing.apply, so that equal pixels give equal inputs.
      scale[c] = 1f / (255f * preprocessing.std().get(c));
      shift[c] = -preprocessing.mean().get(c) / preprocessing.std().get(c);
    }
    this.raw = new byte[Math.toIntExact(images.shape().elements())];
  }

  /** Writes one image, changed by chance, to {@code into} from {@code at}, NCHW. */
  void apply(int image, Random random, float[] into, int at) {
    int pad = rules.cropPadding();
    int down = pad == 0 ? 0 : random.nextInt(2 * pad + 1) - pad;
    int right = pad == 0 ? 0 : random.nextInt(2 * pad + 1) - pad;
    boolean mirror = rules.flip() && random.nextBoolean();
    images.copy(image, raw, 0);
    show(down, right, mirror, into, at);
    if (rules.cutout() > 0) {
      int top = random.nextInt(images.shape().height()) - rules.cutout() / 2;
      int left = random.nextInt(images.shape().width()) - rules.cutout() / 2;
      hide(top, left, into, at);
    }
  }

  private void show(int down, int right, boolean mirror, float[] into, int at) {
    ImageShape shape = images.shape();
    int width = shape.width();
    int next = at;
    for (int c = 0; c < shape.channels(); c++) {
      for (int y = 0; y < shape.height(); y++) {
        int fromY = y + down;
        boolean inside = fromY >= 0 && fromY < shape.height();
        int row = (c * shape.height() + fromY) * width;
        for (int x = 0; x < width; x++) {
          int fromX = (mirror ? width - 1 - x : x) + right;
          int pixel = inside && fromX >= 0 && fromX < width ? raw[row + fromX] & 0xff : 0;
          into[next++] = pixel * scale[c] + shift[c];
        }
      }
    }
  }

  /** Inputs have mean zero, so that what says nothing is zero. */
  private void hide(int top, int left, float[] into, int at) {
    ImageShape shape = images.shape();
    int fromX = Math.max(0, left);
    int toX = Math.min(shape.width(), left + rules.cutout());
    for (int c = 0; c < shape.channels(); c++) {
      for (int y = Math.max(0, top); y < Math.min(shape.height(), top + rules.cutout()); y++) {
        int row = at + (c * shape.height() + y) * shape.width();
        Arrays.fill(into, row + fromX, row + toX, 0);
      }
    }
  }
}
