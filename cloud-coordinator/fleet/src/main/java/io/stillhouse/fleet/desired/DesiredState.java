package io.stillhouse.fleet.desired;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import java.util.Optional;

/**
 * What the coordinator wants of a device. A generation names one wish for ever: it rises by exactly
 * one with every change, so a device, a report and an operator mean the same thing by it.
 *
 * @param artifact empty means "no model of ours"
 * @param rollout the rollout that wrote it, forwards or on the way back
 * @param wave of that rollout; 0 without one
 */
public record DesiredState(
    DeviceId device,
    long generation,
    Optional<Digest> artifact,
    Optional<RolloutId> rollout,
    int wave) {
  public DesiredState {
    if (generation < 1 || wave < 0) {
      throw new IllegalArgumentException(
          "generation %d, wave %d (expected: generation >= 1, wave >= 0)"
              .formatted(generation, wave));
    }
  }
}
