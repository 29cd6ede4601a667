package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is known at one instant of store time; read in one transaction with the status.
 *
 * @param targets facts of every target of the plan
 * @param health of each wave that has opened, by its index, per hardware class; what has no entry
 *     was not measured
 * @param quarantined classes whose artifact in this rollout is under quarantine
 * @param superseded rollouts that ended because another took their place, and whose wish some
 *     target still has: nobody judges any more what they sent
 * @param listeningSince since when devices could be heard without a gap. Nothing that they did not
 *     say before is held against them: a coordinator that was away would take its own absence for
 *     theirs
 */
public record RolloutFacts(
    Map<DeviceId, TargetFacts> targets,
    Map<Integer, Map<HardwareClass, ClassHealth>> health,
    Set<HardwareClass> quarantined,
    Set<RolloutId> superseded,
    Instant listeningSince) {
  public RolloutFacts {
    targets = Map.copyOf(targets);
    health =
        health.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(Map.Entry::getKey, e -> Map.copyOf(e.getValue())));
    quarantined = Set.copyOf(quarantined);
    superseded = Set.copyOf(superseded);
  }

  /** What a class of a wave has measured. */
  ClassHealth health(int wave, HardwareClass hardwareClass) {
    return health
        .getOrDefault(wave, Map.of())
        .getOrDefault(hardwareClass, new ClassHealth(WaveHealth.NONE, Baseline.NONE));
  }

  /** The facts of a target; nothing is known of one without an entry. */
  public TargetFacts of(RolloutTarget target) {
    return targets.getOrDefault(target.device(), TargetFacts.UNKNOWN);
  }
}
