package io.stillhouse.agent.hardware;

/** How much memory there is, as pure functions of the kernel's texts. */
final class MemoryFacts {
  private static final long BYTES_PER_KIB = 1_024;

  private MemoryFacts() {}

  /** {@code MemTotal} of {@code /proc/meminfo} in bytes; zero when it is not told. */
  static long totalBytes(String meminfo) {
    for (String line : meminfo.lines().toList()) {
      if (line.startsWith("MemTotal:")) {
        return number(line.replaceAll("\\D", "")) * BYTES_PER_KIB;
      }
    }
    return 0;
  }

  /** The machine's memory, or what a control group grants of it when that is less. */
  static long granted(long totalBytes, String cgroupLimit) {
    // "max" in version 2 and a number beyond all machines in version 1 mean "no limit".
    long limit = number(cgroupLimit.strip());
    return limit > 0 && (limit < totalBytes || totalBytes == 0) ? limit : totalBytes;
  }

  private static long number(String digits) {
    return digits.matches("\\d{1,15}") ? Long.parseLong(digits) : 0;
  }
}
