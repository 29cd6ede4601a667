package io.stillhouse.lab.tensor;

/**
 * Preprocessed images and their labels, in arrays that are filled again for every step. Not
 * thread-safe.
 */
public final class LabelledBatch {
  private final float[] images;
  private final long[] labels;

  /**
   * Room for a batch.
   *
   * @param imageElements values of one image
   */
  public LabelledBatch(int count, int imageElements) {
    this.images = new float[Math.multiplyExact(count, imageElements)];
    this.labels = new long[count];
  }

  public int count() {
    return labels.length;
  }

  /** The images themselves, NCHW, for writing. */
  public float[] images() {
    return images;
  }

  /** The labels themselves, for writing. */
  public long[] labels() {
    return labels;
  }
}
