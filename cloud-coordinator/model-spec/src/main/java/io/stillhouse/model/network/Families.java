package io.stillhouse.model.network;

import static io.stillhouse.model.network.Family.row;
import static io.stillhouse.model.network.Family.rows;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.network.Block.Plain;
import io.stillhouse.model.network.Block.Residual;
import io.stillhouse.model.network.Block.Separable;
import java.util.List;

/** The block tables. */
final class Families {
  private Families() {}

  static final List<Family> ALL =
      List.of(
          residual(8),
          residual(14),
          residual(20),
          residual(32),
          residual(44),
          residual(56),
          residual(110),
          separableSmall());

  /**
   * CIFAR residual network of {@code depth = 6n + 2} layers: three stages of n blocks. Channels are
   * rounded to 4, so that quarter widths are exact.
   */
  private static Family residual(int depth) {
    int blocks = (depth - 2) / 6;
    return new Family(
        "resnet" + depth,
        "CIFAR residual network of " + depth + " layers, projection shortcuts",
        new ImageShape(3, 32, 32),
        10,
        4,
        0,
        List.of(
            row(new Plain(16, 3, 1, Function.RELU)),
            rows(new Residual(16, 1), blocks),
            rows(new Residual(32, 2), blocks),
            rows(new Residual(64, 2), blocks)));
  }

  /** A student for small images, after MobileNetV1. */
  private static Family separableSmall() {
    return new Family(
        "separable_small",
        "depthwise-separable student for images of 28 to 64 pixels",
        new ImageShape(1, 28, 28),
        10,
        8,
        48,
        List.of(
            row(new Plain(16, 3, 1, Function.RELU6)),
            row(new Separable(32, 1, Function.RELU6)),
            row(new Separable(64, 2, Function.RELU6)),
            row(new Separable(64, 1, Function.RELU6)),
            row(new Separable(128, 2, Function.RELU6)),
            row(new Separable(128, 1, Function.RELU6))));
  }
}
