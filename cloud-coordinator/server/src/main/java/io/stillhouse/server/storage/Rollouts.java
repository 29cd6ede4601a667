package io.stillhouse.server.storage;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.port.QuarantineStore;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.Quarantine;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutFacts;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.io.Serial;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Rollouts, their history, what operators asked of them, and the quarantine. Plans are immutable
 * and cached; everything else is read each time. Thread-safe; calls block.
 */
public final class Rollouts implements RolloutStore, QuarantineStore {
  private static final int LISTED_MAX = 200;
  private static final int PLANS_CACHED_MAX = 16;

  private final Database database;
  private final InstantSource clock;
  private final Lease lease;
  private final Map<RolloutId, RolloutSpec> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Serial private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<RolloutId, RolloutSpec> eldest) {
          return size() > PLANS_CACHED_MAX;
        }
      };

  /**
   * A view of the rollouts for one coordinator.
   *
   * @param lease the one that its engine holds; {@link #apply} checks it
   */
  public Rollouts(Database database, InstantSource clock, Lease lease) {
    this.database = database;
    this.clock = clock;
    this.lease = lease;
  }

  /** What an operator can ask of a rollout. */
  public enum Action {
    PAUSE,
    RESUME,
    ABORT
  }

  /** An operator's wish that the engine has not seen to yet. */
  public record Request(long id, RolloutId rollout, Action action) {}

  /** A rollout in a list: its plan's name and status, without targets. */
  public record Listed(
      RolloutId id,
      String model,
      long version,
      RolloutStatus status,
      Instant createdAt,
      Instant updatedAt) {}

  @Override
  public boolean create(RolloutSpec spec, RolloutStatus status) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          int inserted =
              h.createUpdate(
                      "INSERT INTO rollout(id, model, model_version, phase, finished, terms,"
                          + " status, version, created_at, updated_at) VALUES (:r, :m, :v, :phase,"
                          + " FALSE, :terms, :status, :version, :now, :now)"
                          + " ON CONFLICT DO NOTHING")
                  .bind("r", spec.id().value())
                  .bind("m", spec.subject().model())
                  .bind("v", spec.subject().version())
                  .bind("phase", status.phase().name())
                  .bind(
                      "terms", StoredJson.write(new RolloutRows.Terms(spec.timings(), spec.gate())))
                  .bind("status", StoredJson.write(status))
                  .bind("version", status.version())
                  .bind("now", Database.sql(now))
                  .execute();
          if (inserted == 0) {
            return false;
          }
          RolloutRows.insertTargets(h, spec);
          Database.event(
              h,
              now,
              new Event(
                  "operator",
                  "rollout.planned",
                  "rollout/" + spec.id(),
                  "%s to %d devices in %d waves"
                      .formatted(spec.subject(), spec.targets().size(), spec.waves())));
          return true;
        });
  }

  /** A name that is free at this moment: rollouts are numbered. */
  public RolloutId nextId() {
    long count =
        database.read(h -> h.createQuery("SELECT COUNT(*) FROM rollout").mapTo(Long.class).one());
    return new RolloutId("ro-" + (count + 1));
  }

  @Override
  public List<RolloutId> unfinished() {
    return database.read(
        h ->
            h.createQuery("SELECT id FROM rollout WHERE finished = FALSE ORDER BY created_at, id")
                .map((rs, ctx) -> new RolloutId(rs.getString("id")))
                .list());
  }

  @Override
  public Optional<Snapshot> load(RolloutId rollout) {
    // Read before the facts: what is then found to have happened did not happen later than now.
    Instant now = clock.instant();
    return database.consistentRead(
        h -> {
          Optional<RolloutStatus> status = status(h, rollout);
          Optional<RolloutSpec> spec = plan(h, rollout);
          if (status.isEmpty() || spec.isEmpty()) {
            return Optional.<Snapshot>empty();
          }
          return Optional.of(
              new Snapshot(
                  spec.get(),
                  status.get(),
                  new RolloutFacts(
                      RolloutRows.facts(h, rollout),
                      Map.of(),
                      RolloutRows.quarantined(h, rollout),
                      RolloutRows.superseded(h, rollout),
                      Instant.EPOCH),
                  now));
        });
  }

  private Optional<RolloutSpec> plan(Handle h, RolloutId rollout) {
    synchronized (plans) {
      RolloutSpec known = plans.get(rollout);
      if (known != null) {
        return Optional.of(known);
      }
    }
    Optional<RolloutSpec> read = RolloutRows.spec(h, rollout);
    synchronized (plans) {
      read.ifPresent(spec -> plans.put(rollout, spec));
    }
    return read;
  }

  private static Optional<RolloutStatus> status(Handle h, RolloutId rollout) {
    return h.createQuery("SELECT status FROM rollout WHERE id = :r")
        .bind("r", rollout.value())
        .map((rs, ctx) -> StoredJson.read(rs.getString("status"), RolloutStatus.class))
        .findOne();
  }

  @Override
  public Outcome apply(RolloutId rollout, Decision decision, long expectedVersion, long epoch) {
    Instant now = clock.instant();
    try {
      return database.write(
          h -> {
            if (!lease.holds(h, epoch)) {
              return Outcome.STALE_EPOCH;
            }
            RolloutStatus next = decision.next();
            int swapped =
                h.createUpdate(
                        "UPDATE rollout SET status = :status, phase = :phase,"
                            + " finished = :finished, version = :version, updated_at = :now"
                            + " WHERE id = :r AND version = :expected")
                    .bind("status", StoredJson.write(next))
                    .bind("phase", next.phase().name())
                    .bind("finished", next.phase().terminal())
                    .bind("version", next.version())
                    .bind("now", Database.sql(now))
                    .bind("r", rollout.value())
                    .bind("expected", expectedVersion)
                    .execute();
            if (swapped == 0) {
              throw new DecisionRows.ConflictException();
            }
            DecisionRows.insert(h, rollout, decision, now);
            return Outcome.APPLIED;
          });
    } catch (DecisionRows.ConflictException e) {
      return Outcome.CONFLICT;
    }
  }

  @Override
  public List<RolloutEvent> events(RolloutId rollout) {
    return database.read(
        h ->
            h.createQuery(
                    "SELECT * FROM rollout_event WHERE rollout_id = :r ORDER BY version, ordinal")
                .bind("r", rollout.value())
                .map(
                    (rs, ctx) ->
                        new RolloutEvent(
                            rs.getString("kind"),
                            rs.getString("from_state"),
                            rs.getString("to_state"),
                            rs.getString("cause"),
                            Rows.time(rs, "at")))
                .list());
  }

  /** The latest rollouts, newest first. */
  public List<Listed> latest() {
    return database.read(
        h ->
            h.createQuery(
                    "SELECT * FROM rollout ORDER BY created_at DESC, id DESC LIMIT " + LISTED_MAX)
                .map((rs, ctx) -> listed(rs))
                .list());
  }

  /** One rollout as lists show it. */
  public Optional<Listed> listed(RolloutId rollout) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM rollout WHERE id = :r")
                .bind("r", rollout.value())
                .map((rs, ctx) -> listed(rs))
                .findOne());
  }

  private static Listed listed(ResultSet rs) throws SQLException {
    return new Listed(
        new RolloutId(rs.getString("id")),
        rs.getString("model"),
        rs.getLong("model_version"),
        StoredJson.read(rs.getString("status"), RolloutStatus.class),
        Rows.time(rs, "created_at"),
        Rows.time(rs, "updated_at"));
  }

  /** Notes what an operator wants; the engine sees to it. */
  public Request ask(RolloutId rollout, Action action) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          long id =
              h.createUpdate(
                      "INSERT INTO rollout_request(rollout_id, action, at)"
                          + " VALUES (:r, :action, :now)")
                  .bind("r", rollout.value())
                  .bind("action", action.name())
                  .bind("now", Database.sql(now))
                  .executeAndReturnGeneratedKeys("id")
                  .mapTo(Long.class)
                  .one();
          Database.event(
              h,
              now,
              new Event(
                  "operator",
                  "rollout." + action.name().toLowerCase(java.util.Locale.ROOT),
                  "rollout/" + rollout,
                  "asked"));
          return new Request(id, rollout, action);
        });
  }

  /** Wishes that are open, oldest first. */
  public List<Request> requests() {
    return database.read(
        h ->
            h.createQuery("SELECT id, rollout_id, action FROM rollout_request ORDER BY id")
                .map(
                    (rs, ctx) ->
                        new Request(
                            rs.getLong("id"),
                            new RolloutId(rs.getString("rollout_id")),
                            Action.valueOf(rs.getString("action"))))
                .list());
  }

  /** Whether the engine has not seen to a wish yet. */
  public boolean open(Request request) {
    return requests().contains(request);
  }

  /** Marks a wish as seen to. */
  public void close(Request request) {
    database.update(
        h ->
            h.createUpdate("DELETE FROM rollout_request WHERE id = :id")
                .bind("id", request.id())
                .execute());
  }

  @Override
  public List<Quarantine> all() {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM quarantine ORDER BY since DESC, digest")
                .map(
                    (rs, ctx) ->
                        new Quarantine(
                            new Digest(rs.getString("digest")),
                            new HardwareClass(rs.getString("hardware_class")),
                            new RolloutId(rs.getString("rollout_id")),
                            rs.getString("reason"),
                            Rows.time(rs, "since")))
                .list());
  }

  @Override
  public boolean contains(Digest digest, HardwareClass hardwareClass) {
    return database.read(
            h ->
                h.createQuery(
                        "SELECT COUNT(*) FROM quarantine"
                            + " WHERE digest = :digest AND hardware_class = :class")
                    .bind("digest", digest.sha256Hex())
                    .bind("class", hardwareClass.name())
                    .mapTo(Long.class)
                    .one())
        > 0;
  }
}
