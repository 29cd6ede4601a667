package io.stillhouse.server.storage;

import io.stillhouse.fleet.port.LeaderLease;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.OptionalLong;
import org.jdbi.v3.core.Handle;

/**
 * The right to do one kind of work, held by one coordinator at a time. Each take-over raises the
 * epoch, and {@link #holds} tells a transaction whether its epoch still is the latest: a holder
 * that was frozen and wakes up late can think what it likes, it cannot write. Thread-safe.
 */
public final class Lease implements LeaderLease {
  /** A holder that is silent for this long has lost it. */
  public static final Duration LIFE = Duration.ofSeconds(6);

  private final Database database;
  private final InstantSource clock;
  private final String name;
  private final String holder;

  /**
   * @param name what the lease is for
   * @param holder unique for each start of each coordinator
   */
  public Lease(Database database, InstantSource clock, String name, String holder) {
    this.database = database;
    this.clock = clock;
    this.name = name;
    this.holder = holder;
  }

  /** Takes or renews; the epoch when this holder has it, empty when another one does. */
  @Override
  public OptionalLong acquire() {
    Instant now = clock.instant();
    return database.write(
        h -> {
          h.createUpdate(
                  "INSERT INTO lease(name, holder, epoch, expires_at) VALUES (:n, '', 0, :never)"
                      + " ON CONFLICT DO NOTHING")
              .bind("n", name)
              .bind("never", Database.sql(Instant.EPOCH))
              .execute();
          Row row = lock(h);
          boolean mine = row.holder.equals(holder);
          if (!mine && row.expiresAt.isAfter(now)) {
            return OptionalLong.empty();
          }
          long epoch = mine ? row.epoch : row.epoch + 1;
          h.createUpdate(
                  "UPDATE lease SET holder = :h, epoch = :e, expires_at = :x WHERE name = :n")
              .bind("h", holder)
              .bind("e", epoch)
              .bind("x", Database.sql(now.plus(LIFE)))
              .bind("n", name)
              .execute();
          return OptionalLong.of(epoch);
        });
  }

  /** Gives it up, so that another coordinator need not wait for it to expire. */
  @Override
  public void release() {
    database.update(
        h ->
            h.createUpdate(
                    "UPDATE lease SET holder = '', expires_at = :never"
                        + " WHERE name = :n AND holder = :h")
                .bind("never", Database.sql(Instant.EPOCH))
                .bind("n", name)
                .bind("h", holder)
                .execute());
  }

  /** Whether this holder's epoch is the latest; if so, no other can take over before commit. */
  boolean holds(Handle h, long epoch) {
    Row row = lock(h);
    return row.epoch == epoch && row.holder.equals(holder);
  }

  private record Row(String holder, long epoch, Instant expiresAt) {}

  private Row lock(Handle h) {
    return h.createQuery("SELECT holder, epoch, expires_at FROM lease WHERE name = :n FOR UPDATE")
        .bind("n", name)
        .map(
            (rs, ctx) ->
                new Row(
                    rs.getString("holder"),
                    rs.getLong("epoch"),
                    rs.getObject("expires_at", OffsetDateTime.class).toInstant()))
        .one();
  }
}
