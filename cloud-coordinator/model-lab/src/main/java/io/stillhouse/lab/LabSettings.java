package io.stillhouse.lab;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What the lab may use of the machine.
 *
 * @param threads of the tensor engine; only with 1 are equal seeds certain to give equal numbers
 * @param nativeCacheDir where native libraries are unpacked; shared by processes
 * @param checkpoints where unfinished training is kept and continued from, if anywhere; of one job
 */
public record LabSettings(int threads, Path nativeCacheDir, Optional<Path> checkpoints) {
  public LabSettings {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: 1 to 1024)");
    }
  }

  public LabSettings(int threads, Path nativeCacheDir) {
    this(threads, nativeCacheDir, Optional.empty());
  }

  /** One thread per processor, and a cache in the home directory of the user. */
  public static LabSettings defaults() {
    return new LabSettings(
        Runtime.getRuntime().availableProcessors(),
        Path.of(System.getProperty("user.home"), ".stillhouse", "native"));
  }

  public LabSettings withCheckpoints(Path folder) {
    return new LabSettings(threads, nativeCacheDir, Optional.of(folder));
  }
}
