package io.stillhouse.server.device;

import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceStates.Wish;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done for all sessions together, twice a second: heartbeats go to the database in one
 * batch, and desired states that another coordinator wrote are told to the devices that are
 * connected here.
 */
public final class SessionRounds implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SessionRounds.class);
  private static final Duration PERIOD = Duration.ofMillis(500);

  /** Covers transactions that were stamped before they could be seen. */
  private static final Duration OVERLAP = Duration.ofSeconds(10);

  private final DeviceStates states;
  private final Sessions sessions;
  private final ScheduledExecutorService executor;
  private final InstantSource clock;
  private Instant since;

  private SessionRounds(DeviceStates states, Sessions sessions, InstantSource clock) {
    this.clock = clock;
    this.states = states;
    this.sessions = sessions;
    this.since = clock.instant();
    this.executor =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "session-rounds");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Begins the rounds.
   *
   * @param clock store time
   */
  public static SessionRounds start(DeviceStates states, Sessions sessions, InstantSource clock) {
    SessionRounds rounds = new SessionRounds(states, sessions, clock);
    var scheduled =
        rounds.executor.scheduleWithFixedDelay(
            rounds::round, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    LOG.debug("rounds every {}: {}", PERIOD, scheduled);
    return rounds;
  }

  private void round() {
    try {
      states.flush();
      Instant now = clock.instant();
      for (Wish wish : states.wishesSince(since.minus(OVERLAP))) {
        sessions.tell(wish);
      }
      since = now;
    } catch (RuntimeException e) {
      LOG.warn("a round over the sessions failed and will be made up for: {}", e.getMessage());
    }
  }

  /** Stops the rounds and writes what is left. */
  @Override
  public void close() {
    executor.shutdownNow();
    try {
      if (executor.awaitTermination(5, TimeUnit.SECONDS)) {
        states.flush();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("the last heartbeats were not written: {}", e.getMessage());
    }
  }
}
