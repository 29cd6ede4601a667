package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The plan of a rollout. Immutable: who is in which wave, what each device gets and returns to, and
 * by which limits it is judged are settled before the first device is touched.
 */
public record RolloutSpec(
    RolloutId id,
    ModelVersion subject,
    List<RolloutTarget> targets,
    RolloutTimings timings,
    GatePolicy gate) {
  /** Targets of one rollout; larger fleets roll out by label. */
  public static final int TARGETS_MAX = 100_000;

  public RolloutSpec {
    targets = List.copyOf(targets);
    if (targets.isEmpty() || targets.size() > TARGETS_MAX) {
      throw new IllegalArgumentException(
          "targets: %d (expected: 1..%d)".formatted(targets.size(), TARGETS_MAX));
    }
    Set<DeviceId> seen = new HashSet<>();
    Set<Integer> waves = new HashSet<>();
    for (RolloutTarget target : targets) {
      if (!seen.add(target.device())) {
        throw new IllegalArgumentException(
            "targets: " + target.device() + " twice (expected: each device once)");
      }
      waves.add(target.wave());
    }
    for (int wave = 0; wave < waves.size(); wave++) {
      if (!waves.contains(wave)) {
        throw new IllegalArgumentException("wave " + wave + ": no devices (expected: at least 1)");
      }
    }
  }

  /** Number of waves; each has at least one device. */
  public int waves() {
    return 1 + targets.stream().mapToInt(RolloutTarget::wave).max().orElseThrow();
  }

  /** The frozen members of a wave, in plan order. */
  public List<RolloutTarget> wave(int index) {
    return targets.stream().filter(t -> t.wave() == index).toList();
  }

  /** Whether every device of {@code other} is a target here too, so that this may replace it. */
  public boolean covers(RolloutSpec other) {
    Set<DeviceId> mine =
        targets.stream().map(RolloutTarget::device).collect(Collectors.toUnmodifiableSet());
    return other.targets.stream().allMatch(t -> mine.contains(t.device()));
  }
}
