package io.stillhouse.server.storage;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forgets once an hour what has outlived its use, so that a coordinator that runs for years does
 * not fill its disk: tokens long expired, and the oldest lines of the audit trail. Several
 * coordinators may do so at the same time.
 */
public final class Retention implements AutoCloseable {
  /** Lines that the audit trail keeps, the newest. */
  public static final long EVENTS_MAX = 1_000_000;

  /** How long a token is kept after it expired, far beyond any second try of its device. */
  public static final Duration TOKENS_KEPT = Duration.ofDays(30);

  /** Lines that go at one time, so that no transaction grows long. */
  static final long EVENTS_PER_ROUND_MAX = 50_000;

  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);
  private static final Duration PERIOD = Duration.ofHours(1);

  private final Database database;
  private final InstantSource clock;
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "retention");
            thread.setDaemon(true);
            return thread;
          });

  private Retention(Database database, InstantSource clock) {
    this.database = database;
    this.clock = clock;
  }

  /**
   * Begins the rounds, an hour from now.
   *
   * @param clock store time
   */
  public static Retention start(Database database, InstantSource clock) {
    Retention retention = new Retention(database, clock);
    var scheduled =
        retention.executor.scheduleWithFixedDelay(
            retention::round, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    LOG.debug("forgetting every {}: {}", PERIOD, scheduled);
    return retention;
  }

  private void round() {
    try {
      prune(database, clock, EVENTS_MAX);
    } catch (RuntimeException e) {
      LOG.warn("what has outlived its use was not forgotten this hour: {}", e.getMessage());
    }
  }

  /** One round. */
  static void prune(Database database, InstantSource clock, long eventsMax) {
    var expiredBefore = Database.sql(clock.instant().minus(TOKENS_KEPT));
    database.update(
        h ->
            h.createUpdate("DELETE FROM enrolment_token WHERE expires_at < :before")
                .bind("before", expiredBefore)
                .execute());
    database.update(
        h -> {
          long newest = id(h, "MAX");
          long oldest = id(h, "MIN");
          h.createUpdate("DELETE FROM event WHERE id <= :last")
              .bind("last", Math.min(newest - eventsMax, oldest + EVENTS_PER_ROUND_MAX - 1))
              .execute();
        });
  }

  private static long id(org.jdbi.v3.core.Handle h, String which) {
    return h.createQuery("SELECT COALESCE(" + which + "(id), 0) FROM event")
        .mapTo(Long.class)
        .one();
  }

  /** Stops the rounds; one that is under way ends by itself. */
  @Override
  public void close() {
    executor.shutdown();
  }
}
