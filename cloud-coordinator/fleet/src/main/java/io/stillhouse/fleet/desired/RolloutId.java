package io.stillhouse.fleet.desired;

/** The name of one rollout; it also seeds the draw of its waves. */
public record RolloutId(String value) implements Comparable<RolloutId> {
  public RolloutId {
    if (!value.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
      throw new IllegalArgumentException(
          "rollout id: " + value + " (expected: [A-Za-z0-9][A-Za-z0-9._-]{0,63})");
    }
  }

  @Override
  public int compareTo(RolloutId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
