package io.stillhouse.agent.update;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Wakes one waiting thread. A ring that comes before the wait is not lost, the wait then returns at
 * once; several rings are as good as one. Thread-safe.
 */
final class Bell {
  private final Semaphore rings = new Semaphore(0);

  void ring() {
    // More than one would only be thrown away; two at the same moment do no harm.
    if (rings.availablePermits() == 0) {
      rings.release();
    }
  }

  /** Waits for a ring, at most this long; zero does not wait. */
  void await(Duration longest) throws InterruptedException {
    var unused = rings.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS);
    rings.drainPermits();
  }
}
