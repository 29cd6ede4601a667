package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.profile.HardwareClass;
import java.util.Map;
import java.util.Set;

/**
 * What is known at one instant of store time; read in one transaction with the status.
 *
 * @param targets facts of every target of the plan
 * @param health per hardware class of the current wave; a class without an entry was not measured
 * @param quarantined classes whose artifact in this rollout is under quarantine
 */
public record RolloutFacts(
    Map<DeviceId, TargetFacts> targets,
    Map<HardwareClass, ClassHealth> health,
    Set<HardwareClass> quarantined) {
  public RolloutFacts {
    targets = Map.copyOf(targets);
    health = Map.copyOf(health);
    quarantined = Set.copyOf(quarantined);
  }

  /** The facts of a target; nothing is known of one without an entry. */
  public TargetFacts of(RolloutTarget target) {
    return targets.getOrDefault(target.device(), TargetFacts.UNKNOWN);
  }
}
