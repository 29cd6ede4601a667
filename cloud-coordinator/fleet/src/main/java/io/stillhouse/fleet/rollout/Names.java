package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import java.util.List;
import java.util.stream.Collectors;

/** Lists devices in one line. */
final class Names {
  /** Devices spelled out in one line; the rest are counted. */
  static final int NAMES_MAX = 10;

  private Names() {}

  static String of(List<DeviceId> devices) {
    String first =
        devices.stream().limit(NAMES_MAX).map(DeviceId::value).collect(Collectors.joining(", "));
    int more = devices.size() - NAMES_MAX;
    return more > 0 ? first + " and " + more + " more" : first;
  }
}
