package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
import java.util.List;

/**
 * A network family as data: rows of blocks, then global average pooling and one linear classifier.
 *
 * @param summary one line for people
 * @param input the input it is usually quoted with
 * @param classes the number of classes it is usually quoted with
 * @param channelMultiple scaled channel numbers are rounded to a multiple of this
 * @param reducedStemFrom inputs whose shorter side has at least this many pixels get an extra
 *     stride of 2 in the first row, so that cost stays in the family's range; 0 for never
 */
record Family(
    String name,
    String summary,
    ImageShape input,
    int classes,
    int channelMultiple,
    int reducedStemFrom,
    List<Row> rows) {
  Family {
    rows = List.copyOf(rows);
  }

  /** A block and how often it stands in a row. */
  record Row(Block block, int repeats) {}

  static Row row(Block block) {
    return new Row(block, 1);
  }

  static Row rows(Block block, int repeats) {
    return new Row(block, repeats);
  }

  int stemStride(ImageShape image) {
    int side = Math.min(image.height(), image.width());
    return reducedStemFrom > 0 && side >= reducedStemFrom ? 2 : 1;
  }

  /** Factor by which the whole network shrinks each side of an image. */
  int totalStride(ImageShape image) {
    int stride = stemStride(image);
    for (Row row : rows) {
      stride *= row.block().stride();
    }
    return stride;
  }

  /**
   * Scales a channel number: nearest multiple, at least one multiple, and never more than a tenth
   * below the exact product (the rule of the MobileNet papers' code).
   */
  int channels(int atWidthOne, double width) {
    if (width == 1.0) {
      return atWidthOne;
    }
    double exact = atWidthOne * width;
    int rounded =
        Math.max(
            channelMultiple,
            (int) (exact + channelMultiple / 2.0) / channelMultiple * channelMultiple);
    return rounded < 0.9 * exact ? rounded + channelMultiple : rounded;
  }
}
