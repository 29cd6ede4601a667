package io.stillhouse.drive;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The application on each device: sends real test images to its agent all the time, with their true
 * labels, so that live accuracy reaches the coordinator through telemetry. Pauses on request, so
 * that a measurement is not disturbed.
 */
public final class ImageFeed implements AutoCloseable {
  private static final int BATCH = 8;
  private static final long PERIOD_MILLIS = 150;

  private final ScheduledExecutorService sender;
  private final TestImages images;
  private final AtomicLong sent = new AtomicLong();
  private volatile Optional<DriveException> refused = Optional.empty();
  private volatile boolean paused;

  public ImageFeed(List<AgentClient> agents, TestImages images) {
    this.images = images;
    this.sender =
        Executors.newScheduledThreadPool(
            agents.size(),
            task -> {
              Thread thread = new Thread(task, "image-feed");
              thread.setDaemon(true);
              return thread;
            });
    for (AgentClient agent : agents) {
      AtomicLong next = new AtomicLong();
      var unused =
          sender.scheduleWithFixedDelay(
              () -> send(agent, next), 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  public long sent() {
    return sent.get();
  }

  public void pause() {
    paused = true;
  }

  public void resume() {
    paused = false;
  }

  private void send(AgentClient agent, AtomicLong next) {
    if (paused) {
      return;
    }
    int from = (int) (next.getAndAdd(BATCH) % (images.count() - BATCH));
    try {
      agent.classify(images, from, BATCH).ifPresent(answer -> sent.addAndGet(answer.images()));
    } catch (DriveException e) {
      refused = Optional.of(e);
    }
  }

  /** Throws what an agent refused: without the feed, a gate would wait for it in vain. */
  public void requireAccepted() {
    Optional<DriveException> found = refused;
    if (found.isPresent()) {
      throw found.get();
    }
  }

  @Override
  public void close() {
    sender.shutdownNow();
  }
}
