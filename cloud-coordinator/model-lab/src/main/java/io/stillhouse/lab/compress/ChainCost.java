package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import java.util.Arrays;
import java.util.List;

/** What a chain of convolutions or of linear layers costs. */
final class ChainCost {
  private ChainCost() {}

  /** Shape of the layer's weight. */
  static int[] shape(Layer layer) {
    if (layer instanceof Layer.Conv conv) {
      return new int[] {
        conv.out(), conv.in() / conv.groups(), conv.kernelHeight(), conv.kernelWidth()
      };
    }
    Layer.Linear linear = (Layer.Linear) layer;
    return new int[] {linear.out(), linear.in()};
  }

  /** Multiplied weights of all layers together. */
  static long weights(List<Layer> chain) {
    return chain.stream()
        .mapToLong(layer -> Arrays.stream(shape(layer)).asLongStream().reduce(1, (a, b) -> a * b))
        .sum();
  }

  /** Multiply-accumulates for one image. */
  static long macs(List<Layer> chain, ImageShape input) {
    long macs = 0;
    long height = input.height();
    long width = input.width();
    for (Layer layer : chain) {
      long positions = 1;
      if (layer instanceof Layer.Conv conv) {
        height = (height + 2L * conv.padHeight() - conv.kernelHeight()) / conv.stride() + 1;
        width = (width + 2L * conv.padWidth() - conv.kernelWidth()) / conv.stride() + 1;
        positions = height * width;
      }
      macs += positions * weights(List.of(layer));
    }
    return macs;
  }
}
