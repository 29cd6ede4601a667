package io.stillhouse.agent.hardware;

/**
 * What the operator grants a model on this device, from the configuration; zero and empty mean "not
 * set".
 *
 * @param board name that replaces the measured one
 * @param inferenceThreads threads that inference may use; zero means all cores
 * @param simulated true when the limits stand for another device than this one
 */
public record DeviceLimits(
    String board, int inferenceThreads, ModelLimits model, boolean simulated) {
  public static final DeviceLimits NONE = new DeviceLimits("", 0, new ModelLimits(0, 0, 0), false);

  /** Zero means unlimited. */
  public record ModelLimits(long memoryBytesMax, long fileBytesMax, long latencyP99MicrosMax) {
    public ModelLimits {
      if (memoryBytesMax < 0 || fileBytesMax < 0 || latencyP99MicrosMax < 0) {
        throw new IllegalArgumentException(
            "limits: %d memory bytes, %d file bytes, %d micros (expected: none is negative)"
                .formatted(memoryBytesMax, fileBytesMax, latencyP99MicrosMax));
      }
    }
  }

  public DeviceLimits {
    if (inferenceThreads < 0) {
      throw new IllegalArgumentException(
          "inferenceThreads: " + inferenceThreads + " (expected: >= 0)");
    }
  }
}
