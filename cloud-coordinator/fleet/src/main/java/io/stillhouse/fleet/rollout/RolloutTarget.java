package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.Optional;

/**
 * One device's part in a rollout, fixed when the rollout is planned.
 *
 * @param wave index of the wave that opens it to the device
 * @param artifact the variant of the device's class
 * @param fallback what the device returns to when the rollout fails; empty: no model of ours
 */
public record RolloutTarget(
    DeviceId device,
    HardwareClass hardwareClass,
    int wave,
    Digest artifact,
    Optional<Digest> fallback) {
  public RolloutTarget {
    if (wave < 0) {
      throw new IllegalArgumentException("wave: " + wave + " (expected: wave >= 0)");
    }
    if (fallback.isPresent() && fallback.get().equals(artifact)) {
      throw new IllegalArgumentException(
          device + ": fallback and artifact are both " + artifact + " (expected: they differ)");
    }
  }
}
