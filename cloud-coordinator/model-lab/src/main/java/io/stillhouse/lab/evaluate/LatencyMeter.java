package io.stillhouse.lab.evaluate;

import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * Measures how long one inference takes on this machine: one thread, warmed up, one image after the
 * other. A number for comparing students with each other; a device measures its own.
 */
public final class LatencyMeter {
  private static final int WARM_UP_RUNS = 50;
  private static final int MEASURED_RUNS = 300;

  private final LongSupplier nanos;

  /**
   * A meter that reads this clock.
   *
   * @param nanos a monotonic clock in nanoseconds
   */
  public LatencyMeter(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Median and slowest percent. */
  public record Latency(long p50Micros, long p99Micros) {}

  public Latency measure(OrtModel model, float[] image) {
    model.load(image);
    for (int i = 0; i < WARM_UP_RUNS; i++) {
      model.runLoaded();
    }
    long[] micros = new long[MEASURED_RUNS];
    for (int i = 0; i < micros.length; i++) {
      long from = nanos.getAsLong();
      model.runLoaded();
      micros[i] = (nanos.getAsLong() - from) / 1_000;
    }
    Arrays.sort(micros);
    return new Latency(percentile(micros, 50), percentile(micros, 99));
  }

  /** The smallest value that at least {@code percent} of the sorted values do not exceed. */
  private static long percentile(long[] sorted, int percent) {
    return sorted[(sorted.length * percent + 99) / 100 - 1];
  }
}
