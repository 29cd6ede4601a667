package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Draws the members of waves.
 *
 * <p>A draw by lot over the whole fleet leaves rare hardware out of the canary, and a fault of that
 * hardware then shows when it is everywhere. So the lot is drawn within each class, and a class of
 * two or more devices always has one in the first wave. A class of one device gains nothing from
 * that, since it has no others to protect: such devices are pooled and fill the waves by their
 * share, which keeps the first wave of a small, mixed fleet as small as was asked for.
 *
 * <p>The lot is the order of SHA-256 over rollout and device, so every coordinator draws the same.
 */
final class WaveDraw {
  private WaveDraw() {}

  /**
   * The wave of each device, in order of wave, then device. Waves that would be empty are left out.
   *
   * @param percents cumulative shares, strictly rising to 100
   */
  static Map<DeviceId, Integer> draw(RolloutId id, List<Integer> percents, List<Device> devices) {
    check(percents);
    Map<HardwareClass, List<DeviceId>> byClass = new TreeMap<>();
    for (Device device : devices) {
      byClass.computeIfAbsent(device.hardwareClass(), c -> new ArrayList<>()).add(device.id());
    }
    List<DeviceId> singles = new ArrayList<>();
    List<List<DeviceId>> waves = new ArrayList<>();
    percents.forEach(p -> waves.add(new ArrayList<>()));
    for (List<DeviceId> members : byClass.values()) {
      if (members.size() == 1) {
        singles.addAll(members);
      } else {
        deal(id, percents, members, 1, waves);
      }
    }
    deal(id, percents, singles, waves.get(0).isEmpty() ? 1 : 0, waves);

    Map<DeviceId, Integer> drawn = new LinkedHashMap<>();
    int index = 0;
    for (List<DeviceId> wave : waves) {
      int current = index;
      wave.stream().sorted().forEach(device -> drawn.put(device, current));
      index += wave.isEmpty() ? 0 : 1;
    }
    return drawn;
  }

  private static void deal(
      RolloutId id,
      List<Integer> percents,
      List<DeviceId> members,
      int firstMin,
      List<List<DeviceId>> waves) {
    Comparator<DeviceId> byLot = Comparator.comparing(device -> lot(id, device));
    List<DeviceId> order = members.stream().sorted(byLot).toList();
    int dealt = 0;
    for (int wave = 0; wave < waves.size(); wave++) {
      long share = Math.round(order.size() * percents.get(wave) / 100.0);
      int until = (int) Math.min(order.size(), Math.max(Math.max(share, firstMin), dealt));
      waves.get(wave).addAll(order.subList(dealt, until));
      dealt = until;
    }
  }

  private static Digest lot(RolloutId id, DeviceId device) {
    return Digest.of((id.value() + "\n" + device.value()).getBytes(StandardCharsets.UTF_8));
  }

  private static void check(List<Integer> percents) {
    int before = 0;
    for (int percent : percents) {
      if (percent <= before || percent > 100) {
        throw bad(percents);
      }
      before = percent;
    }
    if (before != 100) {
      throw bad(percents);
    }
  }

  private static IllegalArgumentException bad(List<Integer> percents) {
    return new IllegalArgumentException(
        "waves: " + percents + " (expected: cumulative percents, strictly rising to 100)");
  }
}
