package io.stillhouse.agent.inference;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Ends runs that take too long. One thread sweeps all workers a few times per timeout, instead of a
 * timer per run: an inference then costs no scheduling and no garbage, and a run is ended at most a
 * quarter of the timeout late.
 */
final class RunWatchdog implements AutoCloseable {
  private static final int SWEEPS_PER_TIMEOUT = 4;

  private final Set<OnnxWorker> workers = ConcurrentHashMap.newKeySet();
  private final long timeoutNanos;
  private final LongSupplier nanoTicker;
  private final Thread thread;
  private volatile boolean closed;

  RunWatchdog(Duration timeout, LongSupplier nanoTicker) {
    this.timeoutNanos = timeout.toNanos();
    this.nanoTicker = nanoTicker;
    this.thread = new Thread(this::sweepUntilClosed, "inference-watchdog");
    this.thread.setDaemon(true);
    this.thread.start();
  }

  void watch(OnnxWorker worker) {
    workers.add(worker);
  }

  void forget(OnnxWorker worker) {
    workers.remove(worker);
  }

  private void sweepUntilClosed() {
    long pauseNanos = Math.max(1, timeoutNanos / SWEEPS_PER_TIMEOUT);
    while (!closed) {
      LockSupport.parkNanos(this, pauseNanos);
      long now = nanoTicker.getAsLong();
      workers.forEach(worker -> worker.endWhenOverdue(now, timeoutNanos));
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
