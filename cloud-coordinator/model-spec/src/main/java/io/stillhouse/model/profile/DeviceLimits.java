package io.stillhouse.model.profile;

import java.time.Duration;

/**
 * What a device grants a model; zero means "not limited in this way".
 *
 * @param memoryBytesMax resident growth of the process that loads and runs the model
 * @param latencyP99Max what the application on the device tolerates
 * @param simulated true when the limits are imposed by configuration instead of hardware
 */
public record DeviceLimits(
    int inferenceThreads,
    long memoryBytesMax,
    long fileBytesMax,
    Duration latencyP99Max,
    boolean simulated) {
  public DeviceLimits {
    if (inferenceThreads < 1
        || memoryBytesMax < 0
        || fileBytesMax < 0
        || latencyP99Max.isNegative()) {
      throw new IllegalArgumentException(
          "limits: %d threads, %d memory bytes, %d file bytes, %s (expected: threads >= 1, the rest >= 0)"
              .formatted(inferenceThreads, memoryBytesMax, fileBytesMax, latencyP99Max));
    }
  }
}
