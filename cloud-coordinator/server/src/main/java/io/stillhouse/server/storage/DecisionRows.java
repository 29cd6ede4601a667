package io.stillhouse.server.storage;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.Quarantine;
import io.stillhouse.fleet.rollout.RolloutEvent;
import java.io.Serial;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Writes what follows from a decision, inside the transaction that swapped the status. */
final class DecisionRows {
  private DecisionRows() {}

  /** Ends a transaction that met a conflict, so that nothing of it remains. */
  static final class ConflictException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;
  }

  /**
   * Everything but the status; throws {@link ConflictException} when a generation does not follow.
   */
  static void insert(Handle h, RolloutId rollout, Decision decision, Instant now) {
    tell(h, rollout, decision.desired(), now);
    decision.quarantines().forEach(q -> quarantine(h, q));
    events(h, rollout, decision, now);
  }

  /** Writes desired states; each must raise its device's generation by exactly one. */
  private static void tell(Handle h, RolloutId rollout, List<DesiredChange> changes, Instant now) {
    if (changes.isEmpty()) {
      return;
    }
    PreparedBatch first =
        h.prepareBatch(
            "INSERT INTO desired_state(device_id, generation, artifact, rollout_id, wave,"
                + " probation_millis, set_at) VALUES (:d, :g, :a, :r, :wave, :probation, :now)"
                + " ON CONFLICT DO NOTHING");
    PreparedBatch later =
        h.prepareBatch(
            "UPDATE desired_state SET generation = :g, artifact = :a, rollout_id = :r,"
                + " wave = :wave, probation_millis = :probation, set_at = :now"
                + " WHERE device_id = :d AND generation = :g - 1");
    PreparedBatch offers = told(h, "offer");
    PreparedBatch recalls = told(h, "recall");
    for (DesiredChange change : changes) {
      DesiredState state = change.state();
      (state.generation() == 1 ? first : later)
          .bind("d", state.device().value())
          .bind("g", state.generation())
          .bind("a", Rows.hex(state.artifact()))
          .bind("r", state.rollout().map(RolloutId::value).orElse(null))
          .bind("wave", state.wave())
          .bind("probation", change.probation().toMillis())
          .bind("now", Database.sql(now))
          .add();
      (change.kind() == DesiredChange.Kind.OFFER ? offers : recalls)
          .bind("g", state.generation())
          .bind("now", Database.sql(now))
          .bind("r", rollout.value())
          .bind("d", state.device().value())
          .add();
    }
    for (PreparedBatch batch : List.of(first, later, offers, recalls)) {
      if (batch.size() > 0 && Arrays.stream(batch.execute()).anyMatch(count -> count != 1)) {
        throw new ConflictException();
      }
    }
  }

  private static PreparedBatch told(Handle h, String kind) {
    return h.prepareBatch(
        "UPDATE rollout_target SET "
            + kind
            + "_generation = :g, "
            + kind
            + "_at = :now WHERE rollout_id = :r AND device_id = :d");
  }

  private static void quarantine(Handle h, Quarantine quarantine) {
    h.createUpdate(
            "INSERT INTO quarantine(digest, hardware_class, rollout_id, reason, since)"
                + " VALUES (:digest, :class, :r, :reason, :since) ON CONFLICT DO NOTHING")
        .bind("digest", quarantine.digest().sha256Hex())
        .bind("class", quarantine.hardwareClass().name())
        .bind("r", quarantine.rollout().value())
        .bind("reason", Texts.clip(quarantine.reason(), 2_000))
        .bind("since", Database.sql(quarantine.since()))
        .execute();
  }

  private static void events(Handle h, RolloutId rollout, Decision decision, Instant now) {
    int ordinal = 0;
    for (RolloutEvent event : decision.events()) {
      h.createUpdate(
              "INSERT INTO rollout_event(rollout_id, version, ordinal, kind, from_state, to_state,"
                  + " cause, at) VALUES (:r, :v, :o, :kind, :from, :to, :cause, :at)")
          .bind("r", rollout.value())
          .bind("v", decision.next().version())
          .bind("o", ordinal++)
          .bind("kind", Texts.clip(event.kind(), 16))
          .bind("from", Texts.clip(event.from(), 64))
          .bind("to", Texts.clip(event.to(), 64))
          .bind("cause", Texts.clip(event.cause(), 2_000))
          .bind("at", Database.sql(event.at()))
          .execute();
      Database.event(
          h,
          now,
          new Event(
              "engine",
              "rollout." + event.kind(),
              "rollout/" + rollout,
              "%s -> %s %s".formatted(event.from(), event.to(), event.cause())));
    }
  }
}
