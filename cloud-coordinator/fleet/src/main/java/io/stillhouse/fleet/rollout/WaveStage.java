package io.stillhouse.fleet.rollout;

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

  /** Returns {@code to}; throws when it may not follow this stage. */
  WaveStage become(WaveStage to) {
    boolean legal = this != CLOSED && (to == CLOSED || to.ordinal() == ordinal() + 1);
    if (!legal) {
      throw new IllegalStateException("wave stage: " + this + " -> " + to + " is not a transition");
    }
    return to;
  }
}
