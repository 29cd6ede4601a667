package io.stillhouse.model.profile;

import java.util.List;

/**
 * The machine itself.
 *
 * @param model board model as the firmware names it, e.g. {@code Raspberry Pi 4 Model B Rev 1.4}
 * @param isaFeatures processor features that matter to int8, e.g. {@code asimddp}, {@code avx2}
 */
public record Board(
    String model, CpuArch arch, List<String> isaFeatures, int cores, Capacity capacity) {
  public Board {
    isaFeatures = List.copyOf(isaFeatures);
  }

  /** Memory and storage of the machine, and accelerators by name. */
  public record Capacity(long memoryBytes, long storageFreeBytes, List<String> accelerators) {
    public Capacity {
      accelerators = List.copyOf(accelerators);
    }
  }
}
