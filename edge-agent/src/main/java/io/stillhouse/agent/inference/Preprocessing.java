package io.stillhouse.agent.inference;

import java.util.List;

/**
 * How raw pixels become the model's input: {@code x = (pixel / 255 - mean[c]) / std[c]}, laid out
 * as (channels, height, width).
 */
public record Preprocessing(
    int channels, int height, int width, List<Float> mean, List<Float> std) {
  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "input: %dx%dx%d (expected: every side >= 1)".formatted(channels, height, width));
    }
    if (mean.size() != channels || std.size() != channels) {
      throw new IllegalArgumentException(
          "mean and std: %d and %d values (expected: one per channel, %d)"
              .formatted(mean.size(), std.size(), channels));
    }
    for (int c = 0; c < channels; c++) {
      float s = std.get(c);
      if (!Float.isFinite(mean.get(c)) || !Float.isFinite(s) || s <= 0) {
        throw new IllegalArgumentException(
            "mean and std of channel %d: %s and %s (expected: finite, std > 0)"
                .formatted(c, mean.get(c), s));
      }
    }
  }

  /** Number of values of one image. */
  public int elements() {
    return Math.multiplyExact(Math.multiplyExact(channels, height), width);
  }

  /** One model input value from one raw pixel, 0..255, of channel {@code channel}. */
  public float normalize(int channel, int pixel) {
    return (pixel / 255f - mean.get(channel)) / std.get(channel);
  }
}
