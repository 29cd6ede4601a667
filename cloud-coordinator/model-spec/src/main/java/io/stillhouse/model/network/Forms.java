package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
import java.util.ArrayList;
import java.util.List;

/**
 * The rows of a family, for large images and for small ones.
 *
 * @param smallSide longest shorter side, in pixels, that {@link Stem#AUTO} calls small
 */
record Forms(List<Row> large, List<Row> small, int smallSide) {
  /** Shorter sides up to this are small unless the family says otherwise. */
  private static final int SMALL_SIDE = 64;

  /** Halvings that the small form does without: one in the stem, one behind it. */
  private static final int DROPPED_HALVINGS = 2;

  Forms {
    large = List.copyOf(large);
    small = List.copyOf(small);
  }

  /** A block and how often it stands in a row. */
  record Row(Block block, int repeats) {}

  static Row row(Block block) {
    return new Row(block, 1);
  }

  static Row rows(Block block, int repeats) {
    return new Row(block, repeats);
  }

  /** One form for all images. */
  static Forms one(Row... rows) {
    return new Forms(List.of(rows), List.of(rows), 0);
  }

  /** The published rows; the small form is made of them by dropping the first two halvings. */
  static Forms of(Row... rows) {
    List<Row> small = new ArrayList<>();
    int left = DROPPED_HALVINGS;
    for (Row row : rows) {
      if (left == 0 || row.block().stride() == 1) {
        small.add(row);
        continue;
      }
      left = Math.max(0, left - Integer.numberOfTrailingZeros(row.block().stride()));
      row.block().undiminished().ifPresent(block -> small.add(new Row(block, row.repeats())));
    }
    return new Forms(List.of(rows), small, SMALL_SIDE);
  }

  /** Published rows and rows written down for small images. */
  static Forms two(List<Row> large, List<Row> small) {
    return new Forms(large, small, SMALL_SIDE);
  }

  /** Whether both forms are the same. */
  boolean single() {
    return large.equals(small);
  }

  List<Row> rows(ImageShape image, Stem stem) {
    return switch (stem) {
      case AUTO -> Math.min(image.height(), image.width()) <= smallSide ? small : large;
      case IMAGENET -> large;
      case SMALL -> small;
    };
  }

  /** Factor by which rows shrink each side of an image. */
  static int totalStride(List<Row> rows) {
    return rows.stream().mapToInt(row -> row.block().stride()).reduce(1, (a, b) -> a * b);
  }
}
