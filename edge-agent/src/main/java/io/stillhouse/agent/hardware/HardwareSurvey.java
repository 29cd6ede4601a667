package io.stillhouse.agent.hardware;

import io.stillhouse.agent.hardware.DeviceProfile.Board;
import io.stillhouse.agent.hardware.DeviceProfile.Capacity;
import io.stillhouse.agent.hardware.DeviceProfile.ProbeResult;
import io.stillhouse.agent.inference.OnnxRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures this device, once per start. Limits of the configuration replace what was measured where
 * they speak of it, and nothing else: an override never makes a probe faster.
 */
public final class HardwareSurvey {
  private static final String PROBES = "io/stillhouse/agent/hardware/probes";
  private static final Logger log = LoggerFactory.getLogger(HardwareSurvey.class);

  private final Path dataDir;
  private final DeviceLimits limits;
  private final KernelFiles kernel;
  private final ProbeSuite probes;

  /**
   * @param dataDir where probe results are cached, and whose free storage is reported
   * @param nanoTicker monotonic nanoseconds
   */
  public HardwareSurvey(Path dataDir, DeviceLimits limits, LongSupplier nanoTicker) {
    this(dataDir, limits, new KernelFiles(Path.of("/")), new ProbeSuite(PROBES, nanoTicker));
  }

  HardwareSurvey(Path dataDir, DeviceLimits limits, KernelFiles kernel, ProbeSuite probes) {
    this.dataDir = dataDir;
    this.limits = limits;
    this.kernel = kernel;
    this.probes = probes;
  }

  /** Takes about two seconds at the first start of a runtime version, and little afterwards. */
  public DeviceProfile measure() {
    String cpuinfo = kernel.text("proc/cpuinfo");
    String measuredModel =
        BoardName.of(
            new BoardName.Sources(
                kernel.text("proc/device-tree/model"),
                kernel.text("sys/class/dmi/id/sys_vendor"),
                kernel.text("sys/class/dmi/id/product_name"),
                cpuinfo));
    // The JVM counts the processors that a control group or an affinity mask leaves it.
    int cores = Runtime.getRuntime().availableProcessors();
    int threads =
        limits.inferenceThreads() == 0 ? cores : Math.min(cores, limits.inferenceThreads());
    String runtime = OnnxRuntime.version();
    return new DeviceProfile(
        new Board(
            limits.board().isBlank() ? measuredModel : BoardName.clean(limits.board()),
            CpuFacts.architecture(System.getProperty("os.arch", "")),
            CpuFacts.isaFeatures(cpuinfo),
            cores),
        new Capacity(
            memoryBytes(),
            storageFreeBytes(),
            Accelerators.of(kernel.names("dev"), kernel.usbIds(), OnnxRuntime.providers())),
        new DeviceLimits(limits.board(), threads, limits.model(), limits.simulated()),
        probeResults(runtime, measuredModel, threads),
        runtime);
  }

  private long memoryBytes() {
    String limit = kernel.text("sys/fs/cgroup/memory.max");
    if (limit.isEmpty()) {
      limit = kernel.text("sys/fs/cgroup/memory/memory.limit_in_bytes");
    }
    return MemoryFacts.granted(MemoryFacts.totalBytes(kernel.text("proc/meminfo")), limit);
  }

  private long storageFreeBytes() {
    try {
      return Files.getFileStore(dataDir).getUsableSpace();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Keyed by the measured board, never the configured name: another machine measures anew. */
  private List<ProbeResult> probeResults(String runtime, String board, int threads) {
    try {
      String key = String.join("|", runtime, board, Integer.toString(threads), probes.digest());
      ProbeCache cache = new ProbeCache(dataDir.resolve("hardware").resolve("probes.json"));
      Optional<List<ProbeResult>> cached = cache.read(key);
      if (cached.isPresent()) {
        return cached.get();
      }
      List<ProbeResult> measured = probes.run(threads);
      cache.write(key, measured);
      return measured;
    } catch (IOException e) {
      // Without probes the coordinator cannot predict latencies here; everything else still works.
      log.warn("This device's speed cannot be measured: {}", e.getMessage());
      return List.of();
    }
  }
}
