package io.stillhouse.server.pulse;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a part once a second whether it answers, on a thread of its own, so that those who want to
 * know need not wait for a part that hangs: its last answer grows old instead.
 */
public final class Watch implements AutoCloseable {
  /** An answer older than this counts as none. */
  public static final Duration SILENCE_MAX = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final Duration STOP_WAIT = Duration.ofSeconds(1);

  private final String part;
  private final Question question;
  private final Pulse pulse;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final Thread thread = new Thread(this::loop);
  private boolean answered = true;

  /** Returns when the part answers and throws when it does not; may block. */
  @FunctionalInterface
  public interface Question {
    void ask() throws Exception;
  }

  private Watch(String part, Question question, LongSupplier nanos) {
    this.part = part;
    this.question = question;
    this.pulse = new Pulse(SILENCE_MAX, nanos);
    thread.setName("watch-" + part);
    thread.setDaemon(true);
  }

  /**
   * Begins to ask.
   *
   * @param nanos monotonic
   */
  public static Watch start(String part, Question question, LongSupplier nanos) {
    Watch watch = new Watch(part, question, nanos);
    watch.thread.start();
    return watch;
  }

  /** What the part last answered. */
  public Pulse pulse() {
    return pulse;
  }

  private void loop() {
    try {
      do {
        ask();
      } while (!stopping.await(PERIOD.toMillis(), TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void ask() throws InterruptedException {
    try {
      question.ask();
      pulse.beat();
      if (!answered) {
        LOG.info("{} answers again", part);
      }
      answered = true;
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      pulse.miss();
      if (answered) {
        LOG.warn("{} does not answer: {}", part, e.toString());
      }
      answered = false;
    }
  }

  /** Stops asking. A question that hangs is left behind, not interrupted: it may hold a file. */
  @Override
  public void close() {
    stopping.countDown();
    try {
      thread.join(STOP_WAIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
