package io.stillhouse.lab;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Lets work end at its next safe point when its process is told to stop. Without it the native
 * engines clean up, as they do when a process ends, under threads that still compute in them, and a
 * stop looks like a crash. Thread-safe.
 */
public final class GracefulStop {
  /** What a shell reports of a process that SIGTERM ended. */
  private static final int EXIT_TERMINATED = 128 + 15;

  private final Duration patience;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean asked;

  /**
   * Nothing is asked yet.
   *
   * @param patience how long the end of the process waits for the work; past it, the process ends
   *     without the engines' cleaning up
   */
  public GracefulStop(Duration patience) {
    this.patience = patience;
  }

  /** Asks the work to end. */
  public void ask() {
    asked = true;
  }

  /** Whether the work should end; {@link Progress#cancelled} tells it so. */
  public boolean asked() {
    return asked;
  }

  /**
   * Does work that a signal to the process shall wait for, until {@link #ended}: what follows the
   * work, such as its last words, still belongs to it.
   */
  public <T> T during(Supplier<T> work) {
    Thread hook = new Thread(this::askAndWait, "graceful-stop");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      throw new CancelledException("work that had not begun"); // The process stops already.
    }
    try {
      return work.get();
    } finally {
      if (!asked) {
        release(hook);
      }
    }
  }

  /** The process has nothing more to do. */
  public void ended() {
    ended.countDown();
  }

  private static void release(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process began to stop in this moment, and waits for the end of all.
    }
  }

  private void askAndWait() {
    ask();
    try {
      if (!ended.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        Runtime.getRuntime().halt(EXIT_TERMINATED);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
