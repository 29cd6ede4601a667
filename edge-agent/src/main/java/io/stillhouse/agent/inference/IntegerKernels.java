package io.stillhouse.agent.inference;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Whether ONNX Runtime's usual 8-bit kernels add exactly on this processor. On x86 without VNNI
 * they multiply bytes into sums of 16 bits that saturate, and a model gives other results than on
 * ARM. With VNNI sums have 32 bits and results are those of ARM bit by bit, at more than twice the
 * speed of the kernels that the runtime has for exactness elsewhere.
 */
final class IntegerKernels {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");
  private static final String EXACT_SUMS = "avx512_vnni";

  private IntegerKernels() {}

  /** For sessions: what is not known to be exact needs the runtime's exact kernels. */
  static boolean exact() {
    return OfThisMachine.EXACT;
  }

  /** True when the kernel's text lists the feature for every processor, and there is one. */
  static boolean exact(String cpuinfo) {
    List<String> processors = cpuinfo.lines().filter(line -> line.matches("flags\\s*:.*")).toList();
    return !processors.isEmpty()
        && processors.stream()
            .allMatch(flags -> Arrays.asList(flags.split("\\s+")).contains(EXACT_SUMS));
  }

  private static final class OfThisMachine {
    static final boolean EXACT = exact(read());

    private static String read() {
      try {
        return Files.readString(CPUINFO);
      } catch (IOException e) {
        // Not Linux, or hidden: not known to be exact.
        return "";
      }
    }
  }
}
