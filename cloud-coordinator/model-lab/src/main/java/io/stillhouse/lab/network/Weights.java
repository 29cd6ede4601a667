package io.stillhouse.lab.network;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The numbers of a network by name ({@code <node>.weight}, {@code .bias}, {@code .gamma}, {@code
 * .beta}, {@code .mean}, {@code .var}), float32, row-major. Plain Java memory: it crosses freely
 * between training, compression and export, where native tensors must not.
 *
 * <p>Immutable: arrays are copied on the way in and on the way out. Iteration order is the order of
 * insertion, because it reaches files and therefore digests.
 */
public final class Weights {
  private final Map<String, Entry> entries;

  private static final class Entry {
    final int[] shape;
    final float[] values;

    Entry(int[] shape, float[] values) {
      this.shape = shape.clone();
      this.values = values.clone();
    }
  }

  private Weights(Map<String, Entry> entries) {
    this.entries = Collections.unmodifiableMap(entries);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts with all of these weights; putting a name again replaces it in place. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.entries.putAll(entries);
    return builder;
  }

  public Iterable<String> names() {
    return entries.keySet();
  }

  public boolean has(String name) {
    return entries.containsKey(name);
  }

  public int[] shape(String name) {
    return entry(name).shape.clone();
  }

  public float[] values(String name) {
    return entry(name).values.clone();
  }

  /** Number of values over all names. */
  public long count() {
    return entries.values().stream().mapToLong(e -> e.values.length).sum();
  }

  private Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no weight is named " + name);
    }
    return entry;
  }

  /** Whether all values are numbers, neither infinite nor undefined. */
  public static boolean finite(float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  /** Collects weights; not thread-safe. */
  public static final class Builder {
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private Builder() {}

    public Builder put(String name, float[] values, int... shape) {
      long elements = Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b);
      if (elements != values.length) {
        throw new IllegalArgumentException(
            "weight %s: %d values for shape %s"
                .formatted(name, values.length, Arrays.toString(shape)));
      }
      entries.put(name, new Entry(shape, values));
      return this;
    }

    public Builder remove(String name) {
      entries.remove(name);
      return this;
    }

    public Weights build() {
      return new Weights(new LinkedHashMap<>(entries));
    }
  }
}
