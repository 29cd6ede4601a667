package io.stillhouse.agent.hardware;

import io.stillhouse.agent.inference.Precision;
import java.util.List;

/**
 * What this device is and what it can do, as it measured it.
 *
 * @param limits as configured, its {@code inferenceThreads} resolved to at least one and at most
 *     the cores
 */
public record DeviceProfile(
    Board board, Capacity capacity, DeviceLimits limits, List<ProbeResult> probes, String runtime) {
  public DeviceProfile {
    probes = List.copyOf(probes);
  }

  /**
   * The machine itself.
   *
   * @param model as the firmware names it, or as the limits override it
   * @param architecture {@code x86_64}, {@code aarch64} or {@code armv7}
   * @param isaFeatures as the kernel names them, only those that matter to inference, sorted
   * @param cores that this process may use
   */
  public record Board(String model, String architecture, List<String> isaFeatures, int cores) {
    public Board {
      isaFeatures = List.copyOf(isaFeatures);
    }
  }

  /** What there is room for; the storage is that of the data directory. */
  public record Capacity(long memoryBytes, long storageFreeBytes, List<String> accelerators) {
    public Capacity {
      accelerators = List.copyOf(accelerators);
    }
  }

  /** One measured layer. */
  public record ProbeResult(Layer layer, Precision precision, double p50Micros) {}

  /**
   * The layer that a probe runs; see {@code Probe} of the device protocol.
   *
   * @param shape for people, e.g. {@code 16x28x28->16x28x28}
   */
  public record Layer(String kernel, long macs, long outputBytes, String shape) {}
}
