package io.stillhouse.server.storage;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.ReportRule;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.port.DeviceStateStore;
import io.stillhouse.model.Digest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * Desired and reported states of devices. Signs of life are collected in memory and written with
 * {@link #flush}, newest per device: ten thousand heartbeats are one batch, and a lost batch is
 * replaced by the next. Thread-safe; all but {@link #heard} block.
 */
public final class DeviceStates implements DeviceStateStore {
  private final Database database;
  private final InstantSource clock;
  private final Map<DeviceId, Heartbeat> unwritten = new LinkedHashMap<>();

  public DeviceStates(Database database, InstantSource clock) {
    this.database = database;
    this.clock = clock;
  }

  /** A desired state with how long the device shall watch it. */
  public record Wish(DesiredState state, Duration probation) {}

  @Override
  public Optional<DesiredState> desired(DeviceId device) {
    return wish(device).map(Wish::state);
  }

  /** What a session sends to its device. */
  public Optional<Wish> wish(DeviceId device) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM desired_state WHERE device_id = :d")
                .bind("d", device.value())
                .map(
                    (rs, ctx) ->
                        new Wish(
                            desired(rs, device), Duration.ofMillis(rs.getLong("probation_millis"))))
                .findOne());
  }

  /** Desired states that were set at or after a moment, whoever set them. */
  public List<Wish> wishesSince(Instant since) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM desired_state WHERE set_at >= :since")
                .bind("since", Database.sql(since))
                .map(
                    (rs, ctx) ->
                        new Wish(
                            desired(rs, new DeviceId(rs.getString("device_id"))),
                            Duration.ofMillis(rs.getLong("probation_millis"))))
                .list());
  }

  @Override
  public Optional<ReportedState> reported(DeviceId device) {
    return database.read(h -> reported(h, device));
  }

  /** The last self-test's numbers as JSON, when the device sent some. */
  public Optional<String> selfTest(DeviceId device) {
    return database.read(
        h ->
            h.createQuery(
                    "SELECT self_test FROM reported_state"
                        + " WHERE device_id = :d AND self_test IS NOT NULL")
                .bind("d", device.value())
                .mapTo(String.class)
                .findOne());
  }

  @Override
  public boolean report(Report report) {
    return report(report, Optional.empty());
  }

  /** As {@link #report(Report)}, with the self-test that came with it. */
  public boolean report(Report report, Optional<String> selfTestJson) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          // The device's row serialises its reports; two sessions may overlap for a moment.
          h.createQuery("SELECT id FROM device WHERE id = :d FOR UPDATE")
              .bind("d", report.device().value())
              .mapTo(String.class)
              .one();
          long newest =
              h.createQuery("SELECT generation FROM desired_state WHERE device_id = :d")
                  .bind("d", report.device().value())
                  .mapTo(Long.class)
                  .findOne()
                  .orElse(0L);
          Optional<ReportedState> current = reported(h, report.device());
          ReportRule.Ingested ingested = ReportRule.ingest(current, report, newest, now);
          if (ingested.next().isEmpty() || ingested.next().equals(current)) {
            return false;
          }
          write(h, report.device(), ingested.next().get(), selfTestJson);
          if (ingested.effect() == ReportRule.Effect.ACCEPTED) {
            Database.event(h, now, event(report));
          }
          return true;
        });
  }

  private static Event event(Report report) {
    return new Event(
        "device",
        "device." + report.standing().phase().name().toLowerCase(java.util.Locale.ROOT),
        "device/" + report.device(),
        "generation %d attempt %d%s%s"
            .formatted(
                report.standing().generation(),
                report.standing().attempt(),
                report.models().artifact().map(a -> " artifact " + a.shortForm()).orElse(""),
                report.explanation().detail().isEmpty()
                    ? ""
                    : ": " + report.explanation().detail()));
  }

  @Override
  public void heard(DeviceId device, Heartbeat heartbeat) {
    synchronized (unwritten) {
      unwritten.put(device, heartbeat);
    }
  }

  /** Writes the signs of life heard since the last call; on failure they are kept for the next. */
  public void flush() {
    Map<DeviceId, Heartbeat> taken;
    synchronized (unwritten) {
      if (unwritten.isEmpty()) {
        return;
      }
      taken = new LinkedHashMap<>(unwritten);
      unwritten.clear();
    }
    try {
      database.update(h -> write(h, taken));
    } catch (RuntimeException e) {
      synchronized (unwritten) {
        taken.forEach(unwritten::putIfAbsent);
      }
      throw e;
    }
  }

  /** The latest sign of life of every device, written or not. */
  public Map<DeviceId, Heartbeat> heartbeats() {
    Map<DeviceId, Heartbeat> all = new LinkedHashMap<>();
    database.update(
        h ->
            h.createQuery("SELECT * FROM device_seen")
                .map((rs, ctx) -> Map.entry(new DeviceId(rs.getString("device_id")), seen(rs)))
                .forEach(entry -> all.put(entry.getKey(), entry.getValue())));
    synchronized (unwritten) {
      all.putAll(unwritten);
    }
    return all;
  }

  /** Whether a device may download an artifact: it is wanted of it, or it is what it returns to. */
  public boolean mayFetch(DeviceId device, Digest artifact) {
    return database.read(
        h ->
            h.createQuery(
                            "SELECT COUNT(*) FROM desired_state"
                                + " WHERE device_id = :d AND artifact = :a")
                        .bind("d", device.value())
                        .bind("a", artifact.sha256Hex())
                        .mapTo(Long.class)
                        .one()
                    + h.createQuery(
                            "SELECT COUNT(*) FROM rollout_target WHERE device_id = :d"
                                + " AND fallback = :a AND offer_generation IS NOT NULL")
                        .bind("d", device.value())
                        .bind("a", artifact.sha256Hex())
                        .mapTo(Long.class)
                        .one()
                > 0);
  }

  private static void write(Handle h, Map<DeviceId, Heartbeat> heartbeats) {
    PreparedBatch delete = h.prepareBatch("DELETE FROM device_seen WHERE device_id = :d");
    PreparedBatch insert =
        h.prepareBatch(
            "INSERT INTO device_seen(device_id, seen_at, boot_id, generation, running)"
                + " VALUES (:d, :at, :boot, :generation, :running)");
    // Sorted, so that two coordinators that write the same devices cannot deadlock.
    for (DeviceId device : heartbeats.keySet().stream().sorted().toList()) {
      Heartbeat beat = java.util.Objects.requireNonNull(heartbeats.get(device), "heartbeat");
      delete.bind("d", device.value()).add();
      insert
          .bind("d", device.value())
          .bind("at", Database.sql(beat.at()))
          .bind("boot", Texts.clip(beat.bootId(), 64))
          .bind("generation", beat.generation())
          .bind("running", Rows.hex(beat.running()))
          .add();
    }
    delete.execute();
    insert.execute();
  }

  private static void write(
      Handle h, DeviceId device, ReportedState state, Optional<String> selfTestJson) {
    // A report without a self-test keeps the numbers of the last one.
    Optional<String> selfTest =
        selfTestJson.or(
            () ->
                h.createQuery(
                        "SELECT self_test FROM reported_state"
                            + " WHERE device_id = :d AND self_test IS NOT NULL")
                    .bind("d", device.value())
                    .mapTo(String.class)
                    .findOne());
    h.createUpdate("DELETE FROM reported_state WHERE device_id = :d")
        .bind("d", device.value())
        .execute();
    h.createUpdate(
            "INSERT INTO reported_state(device_id, boot_id, seq, generation, attempt, phase,"
                + " artifact, running, committed, refusal, detail, self_test, since) VALUES (:d,"
                + " :boot, :seq, :generation, :attempt, :phase, :artifact, :running, :committed,"
                + " :refusal, :detail, :selfTest, :since)")
        .bind("d", device.value())
        .bind("boot", Texts.clip(state.mark().bootId(), 64))
        .bind("seq", state.mark().seq())
        .bind("generation", state.standing().generation())
        .bind("attempt", state.standing().attempt())
        .bind("phase", state.phase().name())
        .bind("artifact", Rows.hex(state.models().artifact()))
        .bind("running", Rows.hex(state.models().running()))
        .bind("committed", Rows.hex(state.models().committed()))
        .bind("refusal", Texts.clip(state.explanation().refusal(), 64))
        .bind("detail", Texts.clip(state.explanation().detail(), 1_000))
        .bind("selfTest", selfTest.map(json -> Texts.clip(json, 2_000)).orElse(null))
        .bind("since", Database.sql(state.since()))
        .execute();
  }

  private static Optional<ReportedState> reported(Handle h, DeviceId device) {
    return h.createQuery("SELECT * FROM reported_state WHERE device_id = :d")
        .bind("d", device.value())
        .map((rs, ctx) -> reported(rs))
        .findOne();
  }

  static ReportedState reported(ResultSet rs) throws SQLException {
    return new ReportedState(
        new Report.Mark(rs.getString("boot_id"), rs.getLong("seq")),
        new Report.Standing(
            rs.getLong("generation"), rs.getInt("attempt"), Phase.valueOf(rs.getString("phase"))),
        new Report.Models(
            Rows.digest(rs, "artifact"), Rows.digest(rs, "running"), Rows.digest(rs, "committed")),
        new Report.Explanation(rs.getString("refusal"), rs.getString("detail")),
        Rows.time(rs, "since"));
  }

  static DesiredState desired(ResultSet rs, DeviceId device) throws SQLException {
    return new DesiredState(
        device,
        rs.getLong("generation"),
        Rows.digest(rs, "artifact"),
        Optional.ofNullable(rs.getString("rollout_id")).map(RolloutId::new),
        rs.getInt("wave"));
  }

  static Heartbeat seen(ResultSet rs) throws SQLException {
    return new Heartbeat(
        rs.getString("boot_id"),
        rs.getLong("generation"),
        Rows.digest(rs, "running"),
        Rows.time(rs, "seen_at"));
  }

  /** Desired states of many devices at once, e.g. for a list. */
  public Map<DeviceId, DesiredState> allDesired() {
    return database.read(
        h -> {
          List<DesiredState> states =
              h.createQuery("SELECT * FROM desired_state")
                  .map((rs, ctx) -> desired(rs, new DeviceId(rs.getString("device_id"))))
                  .list();
          Map<DeviceId, DesiredState> byDevice = new LinkedHashMap<>();
          states.forEach(state -> byDevice.put(state.device(), state));
          return byDevice;
        });
  }

  /** Reported states of many devices at once. */
  public Map<DeviceId, ReportedState> allReported() {
    return database.read(
        h -> {
          Map<DeviceId, ReportedState> byDevice = new LinkedHashMap<>();
          h.createQuery("SELECT * FROM reported_state")
              .map((rs, ctx) -> Map.entry(new DeviceId(rs.getString("device_id")), reported(rs)))
              .forEach(entry -> byDevice.put(entry.getKey(), entry.getValue()));
          return byDevice;
        });
  }
}
