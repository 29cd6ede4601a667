package io.stillhouse.lab.data;

import java.util.List;

/**
 * How raw pixels become the network's input: {@code x = (pixel / 255 - mean[c]) / std[c]}, float32.
 * The same numbers travel in the artifact's manifest, so a device does exactly this.
 */
public record Preprocessing(List<Float> mean, List<Float> std) {
  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (mean.isEmpty() || mean.size() != std.size()) {
      throw new IllegalArgumentException(
          "preprocessing: %d means, %d deviations (expected: one of each per channel)"
              .formatted(mean.size(), std.size()));
    }
    for (float deviation : std) {
      if (!(deviation > 0)) {
        throw new IllegalArgumentException("std: " + deviation + " (expected: > 0)");
      }
    }
  }

  /** Mean and standard deviation per channel, measured over these images. */
  public static Preprocessing measured(Images images) {
    int channels = images.shape().channels();
    int height = images.shape().height();
    int width = images.shape().width();
    Float[] mean = new Float[channels];
    Float[] std = new Float[channels];
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < images.count(); i++) {
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            double value = images.pixel(i, c, y, x) / 255.0;
            sum += value;
            squares += value * value;
          }
        }
      }
      double count = (double) images.count() * height * width;
      mean[c] = (float) (sum / count);
      // A constant channel has no deviation; dividing by one leaves it at zero.
      double variance = squares / count - (sum / count) * (sum / count);
      std[c] = variance > 1e-8 ? (float) Math.sqrt(variance) : 1f;
    }
    return new Preprocessing(List.of(mean), List.of(std));
  }

  /** Writes one image's input to {@code into} from {@code at}, NCHW. */
  public void apply(Images images, int image, float[] into, int at) {
    int height = images.shape().height();
    int width = images.shape().width();
    int next = at;
    for (int c = 0; c < images.shape().channels(); c++) {
      float scale = 1f / (255f * std.get(c));
      float shift = -mean.get(c) / std.get(c);
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          into[next++] = images.pixel(image, c, y, x) * scale + shift;
        }
      }
    }
  }
}
