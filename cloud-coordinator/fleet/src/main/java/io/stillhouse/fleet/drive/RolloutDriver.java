package io.stillhouse.fleet.drive;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.port.RolloutStore.Outcome;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.RolloutFacts;
import io.stillhouse.fleet.rollout.RolloutPolicy;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads, decides, stores; the same loop in production and in simulation. Keeps nothing between
 * calls, so it may be thrown away at any point and made again. Thread-safe when its store is.
 */
public final class RolloutDriver {
  /** Steps that one look makes at most; the next look goes on from there. */
  public static final int STEPS_MAX = 16;

  private final RolloutStore store;

  public RolloutDriver(RolloutStore store) {
    this.store = store;
  }

  /**
   * A pure function of a snapshot, such as a {@link io.stillhouse.fleet.rollout.RolloutCommand}.
   */
  @FunctionalInterface
  public interface Decider {
    Decision decide(RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now);
  }

  /**
   * What was stored.
   *
   * @param last {@code STALE_EPOCH} means: stop leading
   * @param changes desired states now in force, which devices may be told of
   */
  public record Result(Outcome last, List<DesiredChange> changes) {
    public Result {
      changes = List.copyOf(changes);
    }
  }

  /** Takes a rollout as far as it goes now; empty when there is no such rollout. */
  public Optional<Result> advance(RolloutId rollout, long epoch) {
    return repeat(rollout, epoch, RolloutPolicy::decide, false);
  }

  /** Carries out one command, trying again when the engine moves the rollout meanwhile. */
  public Optional<Result> command(RolloutId rollout, long epoch, Decider command) {
    return repeat(rollout, epoch, command, true);
  }

  private Optional<Result> repeat(RolloutId rollout, long epoch, Decider decider, boolean once) {
    List<DesiredChange> changes = new ArrayList<>();
    Outcome last = Outcome.APPLIED;
    for (int step = 0; step < STEPS_MAX; step++) {
      Optional<Snapshot> read = store.load(rollout);
      if (read.isEmpty()) {
        return Optional.empty();
      }
      Snapshot at = read.get();
      Decision decision = decider.decide(at.spec(), at.status(), at.facts(), at.now());
      if (!decision.changesFrom(at.status())) {
        return Optional.of(new Result(Outcome.APPLIED, changes));
      }
      last = store.apply(rollout, decision, at.status().version(), epoch);
      if (last == Outcome.APPLIED) {
        changes.addAll(decision.desired());
      }
      if (last == Outcome.STALE_EPOCH || (once && last == Outcome.APPLIED)) {
        break;
      }
    }
    return Optional.of(new Result(last, changes));
  }
}
