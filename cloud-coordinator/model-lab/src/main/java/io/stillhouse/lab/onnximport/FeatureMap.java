package io.stillhouse.lab.onnximport;

import io.stillhouse.model.graph.ImageShape;

/**
 * A tensor of the file that depends on the image, as what it is in the graph.
 *
 * @param node whose result it is
 * @param shape of one image's part of it
 * @param form in which the file has it at this point
 */
record FeatureMap(String node, ImageShape shape, Form form) {

  /** What the file did to a node's result that the graph does not do, or not yet. */
  sealed interface Form {
    /** (batch, channels, height, width). */
    record Whole() implements Form {}

    /** (batch, features). */
    record Flat() implements Form {}

    /** (batch, groups, channels / groups, height, width), before or after the exchange. */
    record Split(int groups, boolean exchanged) implements Form {}

    /** Zeros around it that the next convolution has to add to its padding. */
    record Padded(int height, int width) implements Form {}

    /** A part of x * clip(x + 3, 0, 6) / 6, in which hard swish is often spelled. */
    record HardPart(boolean clipped, boolean multiplied) implements Form {}

    /**
     * Probabilities, which only the end of a network may be; the graph ends in logits.
     *
     * @param of what the logits were
     */
    record Probabilities(Form of) implements Form {}
  }

  static final Form WHOLE = new Form.Whole();
  static final Form FLAT = new Form.Flat();

  FeatureMap in(Form other) {
    return new FeatureMap(node, shape, other);
  }

  /** The dimensions that the file sees. */
  int[] dims(int batch) {
    if (form instanceof Form.Flat) {
      return new int[] {batch, shape.channels()};
    }
    return new int[] {batch, shape.channels(), shape.height(), shape.width()};
  }
}
