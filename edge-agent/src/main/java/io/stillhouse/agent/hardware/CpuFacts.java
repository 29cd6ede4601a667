package io.stillhouse.agent.hardware;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** What the kernel tells about processors, as pure functions of its texts. */
final class CpuFacts {
  /** Features that decide which kernels an inference uses, as Linux names them. */
  private static final Set<String> RELEVANT =
      Set.of(
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx512f",
          "avx512bw",
          "avx512vl",
          "avx512_vnni",
          "avx_vnni",
          "amx_int8",
          "neon",
          "vfpv4",
          "asimd",
          "asimdhp",
          "asimddp",
          "i8mm",
          "bf16",
          "sve",
          "sve2");

  private CpuFacts() {}

  /** The protocol's name of an architecture, from Java's {@code os.arch}. */
  static String architecture(String osArch) {
    String name = osArch.toLowerCase(Locale.ROOT);
    if (name.equals("amd64") || name.equals("x86_64")) {
      return "x86_64";
    }
    if (name.equals("aarch64") || name.equals("arm64")) {
      return "aarch64";
    }
    return name.startsWith("arm") ? "armv7" : name;
  }

  /**
   * Relevant features that every processor has, sorted: on boards with unlike cores an inference
   * may land on any of them.
   */
  static List<String> isaFeatures(String cpuinfo) {
    Set<String> common = null;
    for (String line : cpuinfo.lines().toList()) {
      String[] field = line.split(":", 2);
      String name = field[0].strip();
      if (field.length == 2 && (name.equals("flags") || name.equals("Features"))) {
        Set<String> features = new TreeSet<>(List.of(field[1].strip().split("\\s+")));
        if (common == null) {
          common = features;
        } else {
          common.retainAll(features);
        }
      }
    }
    List<String> relevant = new ArrayList<>(common == null ? Set.of() : common);
    relevant.retainAll(RELEVANT);
    return relevant;
  }

  /** The board's name in ARM kernels' own text; empty on others. */
  static String boardModel(String cpuinfo) {
    return field(cpuinfo, "Model");
  }

  /** The processor's name, where nothing better names the machine; empty when it is not told. */
  static String processorName(String cpuinfo) {
    return field(cpuinfo, "model name");
  }

  private static String field(String cpuinfo, String wanted) {
    for (String line : cpuinfo.lines().toList()) {
      String[] field = line.split(":", 2);
      if (field.length == 2 && field[0].strip().equals(wanted)) {
        return field[1].strip();
      }
    }
    return "";
  }
}
