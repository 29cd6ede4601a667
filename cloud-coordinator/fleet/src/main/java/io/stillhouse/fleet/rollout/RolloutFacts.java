package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.profile.HardwareClass;
import java.util.Map;

/**
 * What is known at one instant of store time; read in one transaction with the status.
 *
 * @param targets facts of every target of the plan
 * @param health per hardware class of the current wave; a class without an entry was not measured
 */
public record RolloutFacts(
    Map<DeviceId, TargetFacts> targets, Map<HardwareClass, ClassHealth> health) {
  public RolloutFacts {
    targets = Map.copyOf(targets);
    health = Map.copyOf(health);
  }
}
