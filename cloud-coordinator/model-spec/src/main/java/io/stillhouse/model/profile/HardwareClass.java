package io.stillhouse.model.profile;

import java.util.Locale;

/**
 * The set of devices whose profiles share what matters to tailoring: architecture, int8 dot-product
 * ability, inference threads, and the limits granted to a model. Devices of one class get the same
 * variant, and gates judge each class by itself.
 *
 * <p>The name spells those parts out, so it is readable and two coordinators derive the same one:
 * {@code x86_64-avx2-t1-mem64m-file256k-p99_20000us}.
 */
public record HardwareClass(String name) implements Comparable<HardwareClass> {
  public HardwareClass {
    if (!name.matches("[a-z0-9][a-z0-9_-]{0,95}")) {
      throw new IllegalArgumentException(
          "hardware class: " + name + " (expected: [a-z0-9][a-z0-9_-]{0,95})");
    }
  }

  public static HardwareClass of(HardwareProfile profile) {
    DeviceLimits limits = profile.limits();
    StringBuilder name = new StringBuilder();
    name.append(profile.board().arch().name().toLowerCase(Locale.ROOT));
    name.append('-').append(int8Ability(profile.board()));
    name.append("-t").append(limits.inferenceThreads());
    if (limits.memoryBytesMax() > 0) {
      name.append("-mem").append(size(limits.memoryBytesMax()));
    }
    if (limits.fileBytesMax() > 0) {
      name.append("-file").append(size(limits.fileBytesMax()));
    }
    if (!limits.latencyP99Max().isZero()) {
      name.append("-p99_").append(limits.latencyP99Max().toNanos() / 1_000).append("us");
    }
    return new HardwareClass(name.toString());
  }

  @Override
  public int compareTo(HardwareClass other) {
    return name.compareTo(other.name);
  }

  @Override
  public String toString() {
    return name;
  }

  /**
   * The strongest int8 feature decides how much an int8 model gains, so it is part of the class.
   */
  private static String int8Ability(Board board) {
    for (String feature : new String[] {"i8mm", "asimddp", "avx512_vnni", "avx_vnni", "avx2"}) {
      if (board.isaFeatures().contains(feature)) {
        return feature;
      }
    }
    return "base";
  }

  private static String size(long bytes) {
    return bytes % (1 << 20) == 0 ? (bytes >> 20) + "m" : ((bytes + 1023) >> 10) + "k";
  }
}
