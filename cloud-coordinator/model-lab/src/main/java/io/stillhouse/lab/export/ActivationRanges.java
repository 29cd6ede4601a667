package io.stillhouse.lab.export;

import java.util.Map;

/** The interval of values that each node of a folded network gives, as calibration saw it. */
public record ActivationRanges(Map<String, Range> byNode) {
  public ActivationRanges {
    byNode = Map.copyOf(byNode);
  }

  /** A closed interval that contains 0, so that zero padding is exact. */
  public record Range(float low, float high) {
    public Range {
      if (!(low <= 0 && high >= 0) || Float.isInfinite(low) || Float.isInfinite(high)) {
        throw new IllegalArgumentException(
            "range: [%s, %s] (expected: finite, around 0)".formatted(low, high));
      }
    }

    /** The smallest range with both values and 0 in it. */
    public static Range covering(float low, float high) {
      return new Range(Math.min(0, low), Math.max(0, high));
    }
  }

  Range of(String node) {
    Range range = byNode.get(node);
    if (range == null) {
      throw new IllegalArgumentException(
          "node %s has no calibrated range (expected: one for every quantized node)"
              .formatted(node));
    }
    return range;
  }
}
