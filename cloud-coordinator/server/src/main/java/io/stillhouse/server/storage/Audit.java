package io.stillhouse.server.storage;

import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;

/**
 * The append-only trail of what happened, newest first when read; {@link Retention} bounds it.
 * Thread-safe; calls block.
 */
public final class Audit {
  /** The most lines that one reading returns. */
  public static final int ENTRIES_MAX = 1_000;

  private final Database database;
  private final InstantSource clock;

  public Audit(Database database, InstantSource clock) {
    this.database = database;
    this.clock = clock;
  }

  /** One recorded event. */
  public record Entry(
      long id, String at, String actor, String kind, String subject, String detail) {}

  public void append(Event event) {
    Instant now = clock.instant();
    database.update(h -> Database.event(h, now, event));
  }

  /** The latest events of all subjects. */
  public List<Entry> latest(int limit) {
    return read("", "", limit);
  }

  /** The latest events of one subject, e.g. {@code device/press-7}. */
  public List<Entry> of(String subject, int limit) {
    return read("WHERE subject = :subject ", subject, limit);
  }

  private List<Entry> read(String where, String subject, int limit) {
    int bounded = Math.max(1, Math.min(limit, ENTRIES_MAX));
    return database.read(
        h -> {
          var query =
              h.createQuery(
                  "SELECT id, at, actor, kind, subject, detail FROM event "
                      + where
                      + "ORDER BY id DESC LIMIT "
                      + bounded);
          if (!where.isEmpty()) {
            query.bind("subject", subject);
          }
          return query
              .map(
                  (rs, ctx) ->
                      new Entry(
                          rs.getLong("id"),
                          rs.getObject("at", OffsetDateTime.class).toInstant().toString(),
                          rs.getString("actor"),
                          rs.getString("kind"),
                          rs.getString("subject"),
                          rs.getString("detail")))
              .list();
        });
  }
}
