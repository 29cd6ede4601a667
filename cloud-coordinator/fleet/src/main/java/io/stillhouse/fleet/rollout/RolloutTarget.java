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
 * @param origin where the device stood when the rollout was planned
 */
public record RolloutTarget(
    DeviceId device, HardwareClass hardwareClass, int wave, Digest artifact, Origin origin) {
  public RolloutTarget {
    if (wave < 0) {
      throw new IllegalArgumentException("wave: " + wave + " (expected: wave >= 0)");
    }
    if (origin.fallback().filter(artifact::equals).isPresent()) {
      throw new IllegalArgumentException(
          device + ": fallback and artifact are both " + artifact + " (expected: they differ)");
    }
  }

  /**
   * Where a device stood at planning.
   *
   * @param generation of its desired state, 0 when it had none; a higher one before the offer means
   *     that something newer has taken the device
   * @param fallback what it returns to when the rollout fails; empty: no model of ours
   */
  public record Origin(long generation, Optional<Digest> fallback) {}

  public Optional<Digest> fallback() {
    return origin.fallback();
  }
}
