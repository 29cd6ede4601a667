package io.stillhouse.agent.hardware;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Accelerators that a machine has, by what the kernel shows of them. Listing one does not say that
 * this agent can use it: inference runs on the processor unless the runtime has a provider for it,
 * which is listed too, as {@code ort:NAME}.
 */
final class Accelerators {
  private static final Set<String> USB_EDGE_TPU = Set.of("1a6e:089a", "18d1:9302");

  private Accelerators() {}

  /**
   * @param devices names in {@code /dev}
   * @param usbIds {@code vendor:product} of USB devices, lower-case hex
   * @param providers names of the runtime's execution providers
   */
  static List<String> of(
      Collection<String> devices, Collection<String> usbIds, Collection<String> providers) {
    Set<String> found = new TreeSet<>();
    for (String device : devices) {
      if (device.matches("nvhost-gpu|nvhost-ctrl-gpu")) {
        found.add("nvidia-tegra-gpu");
      } else if (device.matches("nvhost-nvdla\\d+|nvhost-ctrl-nvdla\\d+")) {
        found.add("nvidia-dla");
      } else if (device.matches("nvidia\\d+")) {
        found.add("nvidia-gpu");
      } else if (device.matches("apex_\\d+")) {
        found.add("edgetpu");
      } else if (device.matches("hailo\\d+")) {
        found.add("hailo");
      } else if (device.equals("rknpu")) {
        found.add("rockchip-npu");
      }
    }
    if (usbIds.stream().anyMatch(USB_EDGE_TPU::contains)) {
      found.add("edgetpu");
    }
    for (String provider : providers) {
      if (!provider.equals("CPU")) {
        found.add("ort:" + provider);
      }
    }
    return List.copyOf(found);
  }
}
