package io.stillhouse.agent.inference;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** The raw scores of one inference, one per class. Immutable. */
public final class Logits {
  private final float[] values;

  private Logits(float[] values) {
    this.values = values;
  }

  /** Copies a whole buffer from index 0 to its capacity. */
  static Logits copyOf(FloatBuffer buffer) {
    float[] values = new float[buffer.capacity()];
    buffer.get(0, values);
    return new Logits(values);
  }

  public static Logits of(float... values) {
    return new Logits(values.clone());
  }

  public int size() {
    return values.length;
  }

  public float get(int index) {
    return values[index];
  }

  public float[] toArray() {
    return values.clone();
  }

  /** True when no value is an infinity or not a number. */
  public boolean finite() {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  /** The class of the highest score; the first one of equals. */
  public int argMax() {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Soft-max probability of {@link #argMax}: {@code 1 / sum(exp(z_i - z_max))}. */
  public double confidence() {
    float max = values[argMax()];
    double sum = 0;
    for (float value : values) {
      sum += Math.exp((double) value - max);
    }
    return 1 / sum;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Logits that && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return Arrays.toString(values);
  }
}
