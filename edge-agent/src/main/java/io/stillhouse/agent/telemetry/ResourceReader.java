package io.stillhouse.agent.telemetry;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Reads {@link ResourceUsage} from Linux's {@code /proc} and {@code /sys}, and the JVM. */
final class ResourceReader {
  private static final long BYTES_PER_KIB = 1_024;
  private static final double MILLIDEGREES = 1_000;

  private final Path root;
  private final OperatingSystemMXBean process;

  /**
   * @param root directory that holds {@code proc} and {@code sys}; {@code /} outside tests
   */
  ResourceReader(Path root) {
    this.root = root;
    this.process = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  }

  ResourceUsage read() {
    return new ResourceUsage(
        Math.max(0, process.getProcessCpuTime()), residentBytes(), temperatureCelsius());
  }

  /** Zero where the kernel does not tell. */
  private long residentBytes() {
    try {
      return residentBytes(Files.readAllLines(root.resolve("proc/self/status")));
    } catch (IOException e) {
      return 0;
    }
  }

  static long residentBytes(List<String> status) {
    for (String line : status) {
      if (line.startsWith("VmRSS:")) {
        String digits = line.replaceAll("\\D", "");
        return digits.isEmpty() || digits.length() > 15
            ? 0
            : Long.parseLong(digits) * BYTES_PER_KIB;
      }
    }
    return 0;
  }

  /** The warmest zone: the processor's, on the boards that matter. */
  private double temperatureCelsius() {
    double warmest = Double.NaN;
    try (Stream<Path> zones = Files.list(root.resolve("sys/class/thermal"))) {
      for (Path zone : zones.filter(z -> name(z).startsWith("thermal_zone")).toList()) {
        double celsius = celsius(zone.resolve("temp"));
        if (Double.isNaN(warmest) || celsius > warmest) {
          warmest = celsius;
        }
      }
    } catch (IOException e) {
      return Double.NaN;
    }
    return warmest;
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static double celsius(Path file) {
    try {
      return Long.parseLong(Files.readString(file).strip()) / MILLIDEGREES;
    } catch (IOException | NumberFormatException e) {
      // A zone that is switched off gives an error instead of a number.
      return Double.NaN;
    }
  }
}
