package io.stillhouse.server.telemetry;

/**
 * What measurements are summed by.
 *
 * @param rollout empty outside any rollout
 * @param digest of the artifact that answered; empty when none of ours
 */
public record HealthKey(String rollout, int wave, String hardwareClass, String digest) {
  /** The key on the wire. No part can hold the separator: {@link TelemetryMapper} refuses it. */
  String wire() {
    return rollout + "|" + wave + "|" + hardwareClass + "|" + digest;
  }

  static HealthKey parse(String wire) {
    String[] parts = wire.split("\\|", -1);
    if (parts.length != 4) {
      throw new IllegalArgumentException(
          "health key: " + wire + " (expected: rollout|wave|class|digest)");
    }
    return new HealthKey(parts[0], Integer.parseInt(parts[1]), parts[2], parts[3]);
  }
}
