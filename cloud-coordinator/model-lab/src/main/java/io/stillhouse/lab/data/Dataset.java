package io.stillhouse.lab.data;

import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.ImageShape;
import java.util.List;

/**
 * Training and test images of the same shape, with the names of their classes.
 *
 * @param origin where they come from
 */
public record Dataset(Images train, Images test, List<String> labels, Origin origin) {
  public Dataset {
    labels = List.copyOf(labels);
    if (!train.shape().equals(test.shape())) {
      throw new IllegalArgumentException(
          "test images: %s (expected: %s as in training)".formatted(test.shape(), train.shape()));
    }
  }

  /**
   * Where images come from, which says how they may be varied in training.
   *
   * @param kind of the source
   * @param digest of the content as the lab sees it: shape, labels and pixels
   * @param warnings what was skipped while reading, one line each
   */
  public record Origin(DataSpec.Kind kind, Digest digest, List<String> warnings) {
    public Origin {
      warnings = List.copyOf(warnings);
    }
  }

  /** Of a source that was read without a complaint. */
  static Dataset of(DataSpec.Kind kind, Images train, Images test, List<String> labels) {
    return new Dataset(
        train, test, labels, new Origin(kind, Content.digest(train, test, labels), List.of()));
  }

  public Digest digest() {
    return origin.digest();
  }

  public ImageShape shape() {
    return train.shape();
  }

  public int classes() {
    return labels.size();
  }

  /** The same data with fewer training images, for short experiments and tests. */
  public Dataset withFewer(int trainCount, int testCount) {
    return new Dataset(train.first(trainCount), test.first(testCount), labels, origin);
  }
}
