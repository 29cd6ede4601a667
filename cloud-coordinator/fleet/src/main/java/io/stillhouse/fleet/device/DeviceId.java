package io.stillhouse.fleet.device;

/** The name under which a device was enrolled; never reused, not even by the same board. */
public record DeviceId(String value) implements Comparable<DeviceId> {
  public DeviceId {
    if (!value.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
      throw new IllegalArgumentException(
          "device id: " + value + " (expected: [A-Za-z0-9][A-Za-z0-9._-]{0,63})");
    }
  }

  @Override
  public int compareTo(DeviceId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
