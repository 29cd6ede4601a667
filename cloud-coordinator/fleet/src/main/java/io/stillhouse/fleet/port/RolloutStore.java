package io.stillhouse.fleet.port;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutFacts;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Rollouts on record. Implementations are thread-safe, block, and throw their own exceptions when
 * the storage is broken; conflicts are results, not exceptions.
 */
public interface RolloutStore {
  /** Records a plan; false when the id is taken. */
  boolean create(RolloutSpec spec, RolloutStatus status);

  /** Rollouts whose phase is not terminal, oldest first: what the engine looks after. */
  List<RolloutId> unfinished();

  /** Plan, status, facts and store time, read together; empty when there is no such rollout. */
  Optional<Snapshot> load(RolloutId rollout);

  /**
   * Stores a decision in one transaction: the lease's epoch is checked, the status is swapped if
   * its version is still {@code expectedVersion}, each desired state is written if it raises its
   * device's generation by exactly one, the offer or recall is noted with its target, quarantines
   * and events are added. All of it or nothing.
   */
  Outcome apply(RolloutId rollout, Decision decision, long expectedVersion, long epoch);

  /** History, oldest first. */
  List<RolloutEvent> events(RolloutId rollout);

  /**
   * One consistent reading.
   *
   * @param now store time; never goes backwards
   */
  record Snapshot(RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now) {}

  /** What became of a decision. */
  enum Outcome {
    APPLIED,
    /** Something moved since the snapshot was read; read again and decide again. */
    CONFLICT,
    /** Another coordinator leads now; stop. */
    STALE_EPOCH
  }
}
