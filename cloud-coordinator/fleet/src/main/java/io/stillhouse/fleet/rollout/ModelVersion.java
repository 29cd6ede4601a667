package io.stillhouse.fleet.rollout;

/** What an operator names and rolls out, e.g. {@code inspect@3}. */
public record ModelVersion(String model, long version) {
  @Override
  public String toString() {
    return model + "@" + version;
  }
}
