package io.stillhouse.model.profile;

import java.util.List;

/** What a device is and what it can do, as it measured it. */
public record HardwareProfile(
    Board board, DeviceLimits limits, List<Probe> probes, String runtimeVersion) {
  public HardwareProfile {
    probes = List.copyOf(probes);
  }

  /** The class of devices that get the same variant as this one. */
  public HardwareClass hardwareClass() {
    return HardwareClass.of(this);
  }
}
