package io.stillhouse.fleet.rollout;

import java.util.Set;

/**
 * Where the current wave stands.
 *
 * <pre>
 * from                      to         when
 * ------------------------  ---------  ------------------------------------------------------
 * OPEN                      SOAKING    enough devices reached and settled
 * SOAKING                   ANALYSING  the soak has elapsed
 * ANALYSING                 CLOSED     the gate passes
 * OPEN, SOAKING, ANALYSING  CLOSED     the gate fails, or the rollout ends: inconclusive
 * </pre>
 *
 * A wave whose gate is inconclusive at its deadline stays where it is while the rollout is paused,
 * so that a gate closes exactly once and a resumed wave may still be judged.
 */
public enum WaveStage {
  OPEN,
  SOAKING,
  ANALYSING,
  CLOSED;

  /** The stages that may follow this one. */
  public Set<WaveStage> next() {
    return switch (this) {
      case OPEN -> Set.of(SOAKING, CLOSED);
      case SOAKING -> Set.of(ANALYSING, CLOSED);
      case ANALYSING -> Set.of(CLOSED);
      case CLOSED -> Set.of();
    };
  }

  /** Returns {@code to}; throws when it may not follow this stage. */
  WaveStage become(WaveStage to) {
    if (!next().contains(to)) {
      throw new IllegalStateException(
          "wave stage: " + this + " -> " + to + " (expected: one of " + next() + ")");
    }
    return to;
  }
}
