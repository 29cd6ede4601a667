package io.stillhouse.lab.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What every processor of a machine can do, by the names that Linux has for it. Empty where the
 * kernel does not say: what is not known is not there.
 */
public record ProcessorFeatures(Set<String> names) {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  public ProcessorFeatures {
    names = Set.copyOf(names);
  }

  /** Read once for each process. */
  public static ProcessorFeatures ofThisMachine() {
    return OfThisMachine.FEATURES;
  }

  /**
   * What all processors of the text have.
   *
   * @param cpuinfo in the form of {@code /proc/cpuinfo}, of x86 or ARM
   */
  public static ProcessorFeatures parse(String cpuinfo) {
    List<List<String>> processors =
        cpuinfo
            .lines()
            .filter(line -> line.matches("(flags|Features)\\s*:.*"))
            .map(line -> Arrays.asList(line.replaceFirst(".*?:", "").strip().split("\\s+")))
            .toList();
    if (processors.isEmpty()) {
      return new ProcessorFeatures(Set.of());
    }
    Set<String> common = new TreeSet<>(processors.get(0));
    processors.forEach(common::retainAll);
    return new ProcessorFeatures(common);
  }

  public boolean has(String name) {
    return names.contains(name);
  }

  private static final class OfThisMachine {
    static final ProcessorFeatures FEATURES = parse(read());

    private static String read() {
      try {
        return Files.readString(CPUINFO);
      } catch (IOException e) {
        return ""; // not Linux, or hidden
      }
    }
  }
}
