package io.stillhouse.lab.data;

import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.ImageShape;
import java.util.List;

/**
 * Training and test images of the same shape, with the names of their classes.
 *
 * @param digest of the content as the lab sees it: shape, labels and pixels
 * @param warnings what was skipped while reading, one line each
 */
public record Dataset(
    Images train, Images test, List<String> labels, Digest digest, List<String> warnings) {
  public Dataset {
    labels = List.copyOf(labels);
    warnings = List.copyOf(warnings);
    if (!train.shape().equals(test.shape())) {
      throw new IllegalArgumentException(
          "test images: %s (expected: %s as in training)".formatted(test.shape(), train.shape()));
    }
  }

  public ImageShape shape() {
    return train.shape();
  }

  public int classes() {
    return labels.size();
  }

  /** The same data with fewer training images, for short experiments and tests. */
  public Dataset withFewer(int trainCount, int testCount) {
    return new Dataset(train.first(trainCount), test.first(testCount), labels, digest, warnings);
  }
}
