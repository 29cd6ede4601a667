package io.stillhouse.lab.data;

import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.ImageShape;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

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

  /**
   * A data set whose training images are in two parts.
   *
   * @param rest with the training images that are left, and the test images as they were
   * @param held training images that are not among these
   */
  public record Parted(Dataset rest, Images held) {}

  /**
   * Puts training images aside: one by chance out of each of {@code count} equal stretches, so that
   * neither a set sorted by class nor one that repeats its classes in turn loses one.
   *
   * @param count not more than there are
   */
  public Parted holdOut(int count, long seed) {
    if (count < 1 || count > train.count()) {
      throw new IllegalArgumentException(
          "images to hold out: %d (expected: 1 to %d)".formatted(count, train.count()));
    }
    Random random = new Random(seed);
    boolean[] aside = new boolean[train.count()];
    for (int i = 0; i < count; i++) {
      int from = Math.toIntExact((long) i * train.count() / count);
      int to = Math.toIntExact((i + 1L) * train.count() / count);
      aside[from + random.nextInt(to - from)] = true;
    }
    Images held = train.at(IntStream.range(0, aside.length).filter(i -> aside[i]).toArray());
    Images left = train.at(IntStream.range(0, aside.length).filter(i -> !aside[i]).toArray());
    Origin part = new Origin(origin.kind(), Content.digest(left, test, labels), origin.warnings());
    return new Parted(new Dataset(left, test, labels, part), held);
  }
}
