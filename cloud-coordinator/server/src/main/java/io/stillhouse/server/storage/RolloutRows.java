package io.stillhouse.server.storage;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.RolloutTimings;
import io.stillhouse.fleet.rollout.TargetFacts;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Reads and writes what belongs to one rollout, inside the caller's transaction. */
final class RolloutRows {
  private RolloutRows() {}

  /** A plan without its targets: what fits in a text column however large the fleet is. */
  record Terms(RolloutTimings timings, GatePolicy gate) {}

  static void insertTargets(Handle h, RolloutSpec spec) {
    PreparedBatch batch =
        h.prepareBatch(
            "INSERT INTO rollout_target(rollout_id, device_id, place, hardware_class, wave,"
                + " artifact, origin_generation, fallback) VALUES (:r, :d, :place, :class, :wave,"
                + " :artifact, :origin, :fallback)");
    int place = 0;
    for (RolloutTarget target : spec.targets()) {
      batch
          .bind("r", spec.id().value())
          .bind("d", target.device().value())
          .bind("place", place++)
          .bind("class", target.hardwareClass().name())
          .bind("wave", target.wave())
          .bind("artifact", target.artifact().sha256Hex())
          .bind("origin", target.origin().generation())
          .bind("fallback", Rows.hex(target.fallback()))
          .add();
    }
    batch.execute();
  }

  static Optional<RolloutSpec> spec(Handle h, RolloutId id) {
    return h.createQuery("SELECT model, model_version, terms FROM rollout WHERE id = :r")
        .bind("r", id.value())
        .map(
            (rs, ctx) -> {
              Terms terms = StoredJson.read(rs.getString("terms"), Terms.class);
              return new RolloutSpec(
                  id,
                  new ModelVersion(rs.getString("model"), rs.getLong("model_version")),
                  targets(h, id),
                  terms.timings(),
                  terms.gate());
            })
        .findOne();
  }

  private static List<RolloutTarget> targets(Handle h, RolloutId id) {
    return h.createQuery("SELECT * FROM rollout_target WHERE rollout_id = :r ORDER BY place")
        .bind("r", id.value())
        .map(
            (rs, ctx) ->
                new RolloutTarget(
                    new DeviceId(rs.getString("device_id")),
                    new HardwareClass(rs.getString("hardware_class")),
                    rs.getInt("wave"),
                    new Digest(rs.getString("artifact")),
                    new RolloutTarget.Origin(
                        rs.getLong("origin_generation"), Rows.digest(rs, "fallback"))))
        .list();
  }

  /** Facts of every target. Four plain reads; the transaction makes them one. */
  static Map<DeviceId, TargetFacts> facts(Handle h, RolloutId id) {
    Map<DeviceId, DesiredState> desired = new HashMap<>();
    byDevice(h, id, "desired_state", DeviceStates::desired, desired);
    Map<DeviceId, ReportedState> reported = new HashMap<>();
    byDevice(h, id, "reported_state", (rs, device) -> DeviceStates.reported(rs), reported);
    Map<DeviceId, Heartbeat> seen = new HashMap<>();
    byDevice(h, id, "device_seen", (rs, device) -> DeviceStates.seen(rs), seen);
    Map<DeviceId, TargetFacts> facts = new HashMap<>();
    h.createQuery(
            "SELECT t.device_id, t.offer_generation, t.offer_at, t.recall_generation, t.recall_at,"
                + " d.revoked_at FROM rollout_target t JOIN device d ON d.id = t.device_id"
                + " WHERE t.rollout_id = :r")
        .bind("r", id.value())
        .map(
            (rs, ctx) -> {
              DeviceId device = new DeviceId(rs.getString("device_id"));
              return Map.entry(
                  device,
                  new TargetFacts(
                      Optional.ofNullable(desired.get(device)),
                      new TargetFacts.Told(order(rs, "offer"), order(rs, "recall")),
                      Optional.ofNullable(reported.get(device)),
                      Optional.ofNullable(seen.get(device)),
                      rs.getObject("revoked_at") != null));
            })
        .forEach(entry -> facts.put(entry.getKey(), entry.getValue()));
    return facts;
  }

  /** Classes whose artifact in this rollout is under quarantine. */
  static Set<HardwareClass> quarantined(Handle h, RolloutId id) {
    return new HashSet<>(
        h.createQuery(
                "SELECT DISTINCT q.hardware_class FROM quarantine q JOIN rollout_target t"
                    + " ON t.artifact = q.digest AND t.hardware_class = q.hardware_class"
                    + " WHERE t.rollout_id = :r")
            .bind("r", id.value())
            .map((rs, ctx) -> new HardwareClass(rs.getString("hardware_class")))
            .list());
  }

  /** Superseded rollouts that a target of this one still has its wish from. */
  static Set<RolloutId> superseded(Handle h, RolloutId id) {
    return new HashSet<>(
        h.createQuery(
                "SELECT DISTINCT r.id FROM rollout_target t"
                    + " JOIN desired_state d ON d.device_id = t.device_id"
                    + " JOIN rollout r ON r.id = d.rollout_id"
                    + " WHERE t.rollout_id = :r AND r.phase = :superseded")
            .bind("r", id.value())
            .bind("superseded", RolloutPhase.SUPERSEDED.name())
            .map((rs, ctx) -> new RolloutId(rs.getString("id")))
            .list());
  }

  private interface DeviceRow<T> {
    T read(ResultSet rs, DeviceId device) throws SQLException;
  }

  private static <T> void byDevice(
      Handle h, RolloutId id, String table, DeviceRow<T> row, Map<DeviceId, T> into) {
    h.createQuery(
            "SELECT x.* FROM "
                + table
                + " x JOIN rollout_target t ON t.device_id = x.device_id WHERE t.rollout_id = :r")
        .bind("r", id.value())
        .map(
            (rs, ctx) -> {
              DeviceId device = new DeviceId(rs.getString("device_id"));
              return Map.entry(device, row.read(rs, device));
            })
        .forEach(entry -> into.put(entry.getKey(), entry.getValue()));
  }

  private static Optional<TargetFacts.Order> order(ResultSet rs, String kind) throws SQLException {
    OptionalLong generation = Rows.number(rs, kind + "_generation");
    return generation.isEmpty()
        ? Optional.empty()
        : Optional.of(new TargetFacts.Order(generation.getAsLong(), Rows.time(rs, kind + "_at")));
  }
}
