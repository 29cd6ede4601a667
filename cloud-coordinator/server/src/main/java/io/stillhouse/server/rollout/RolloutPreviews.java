package io.stillhouse.server.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.RolloutPlanner;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.server.service.RolloutService.LeftOutPreview;
import io.stillhouse.server.service.RolloutService.RolloutPreview;
import io.stillhouse.server.service.RolloutService.RolloutRequest;
import io.stillhouse.server.service.RolloutService.TargetPreview;
import io.stillhouse.server.service.RolloutService.WavePreview;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Plans as people look at them: whole in their counts, bounded in the devices that they name. */
final class RolloutPreviews {
  /** Devices that are named of each wave, and of those that are left out. */
  static final int NAMED_MAX = 200;

  private RolloutPreviews() {}

  static RolloutPreview of(RolloutRequest request, RolloutPlanner.Plan plan, long bytes) {
    Map<Integer, List<RolloutTarget>> waves = new TreeMap<>();
    plan.targets().forEach(t -> waves.computeIfAbsent(t.wave(), wave -> new ArrayList<>()).add(t));
    Set<DeviceId> offline = new HashSet<>(plan.offline());
    List<WavePreview> previews = new ArrayList<>();
    waves.forEach((wave, targets) -> previews.add(wave(wave, targets, offline)));
    Map<String, Integer> excluded = new TreeMap<>();
    plan.excluded().values().forEach(why -> excluded.merge(why.name(), 1, Integer::sum));
    return new RolloutPreview(
        request.model(),
        request.version(),
        previews,
        plan.targets().size(),
        bytes,
        excluded,
        plan.excluded().entrySet().stream()
            .map(e -> new LeftOutPreview(e.getKey().value(), e.getValue().name()))
            .sorted(Comparator.comparing(LeftOutPreview::device))
            .limit(NAMED_MAX)
            .toList());
  }

  private static WavePreview wave(int wave, List<RolloutTarget> targets, Set<DeviceId> offline) {
    Map<String, Integer> classes = new TreeMap<>();
    targets.forEach(t -> classes.merge(t.hardwareClass().name(), 1, Integer::sum));
    return new WavePreview(
        wave,
        targets.size(),
        (int) targets.stream().filter(t -> offline.contains(t.device())).count(),
        classes,
        targets.stream()
            .limit(NAMED_MAX)
            .map(
                t ->
                    new TargetPreview(
                        t.device().value(),
                        t.hardwareClass().name(),
                        t.artifact().sha256Hex(),
                        !offline.contains(t.device())))
            .toList());
  }
}
