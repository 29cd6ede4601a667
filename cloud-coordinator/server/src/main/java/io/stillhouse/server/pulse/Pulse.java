package io.stillhouse.server.pulse;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Whether work that repeats goes well: it did the last time, and that was not long ago. Before the
 * first time nothing is known, and unknown is not well. Thread-safe; only {@link #awaitFirst}
 * blocks.
 */
public final class Pulse {
  private final Duration silenceMax;
  private final LongSupplier nanos;
  private final CountDownLatch first = new CountDownLatch(1);
  private volatile boolean well;
  private volatile long beatAt;

  /**
   * A pulse that has not begun.
   *
   * @param silenceMax after which the last time no longer counts
   * @param nanos monotonic
   */
  public Pulse(Duration silenceMax, LongSupplier nanos) {
    this.silenceMax = silenceMax;
    this.nanos = nanos;
  }

  /** It went well just now. */
  public void beat() {
    beatAt = nanos.getAsLong();
    well = true;
    first.countDown();
  }

  /** It failed just now. */
  public void miss() {
    well = false;
  }

  /** Whether it went well the last time, and lately. */
  public boolean alive() {
    return well && nanos.getAsLong() - beatAt <= silenceMax.toNanos();
  }

  /** Waits until it has gone well once; false when that takes longer than {@code max}. */
  public boolean awaitFirst(Duration max) {
    try {
      return first.await(max.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
