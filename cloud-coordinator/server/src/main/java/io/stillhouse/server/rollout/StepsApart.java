package io.stillhouse.server.rollout;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the steps of a turn one by one, so that what one of them throws holds up none of the
 * others. Failures are counted; each is logged when it begins and not again while it lasts, since
 * the engine looks twice a second. For one thread, except {@link #failures}.
 */
final class StepsApart {
  private static final Logger LOG = LoggerFactory.getLogger(StepsApart.class);

  private final LongAdder failures = new LongAdder();
  private Set<String> lastTurn = Set.of();
  private Set<String> thisTurn = new HashSet<>();

  /** Forgets what no longer fails; holds at most one entry per step of a turn. */
  void beginTurn() {
    lastTurn = thisTurn;
    thisTurn = new HashSet<>();
  }

  void take(String what, Runnable step) {
    try {
      step.run();
    } catch (RuntimeException e) {
      failures.increment();
      String text = what + ": " + e;
      thisTurn.add(text);
      if (lastTurn.contains(text)) {
        LOG.debug("{} still fails: {}", what, e.getMessage());
      } else {
        LOG.error("{} failed and is tried again each turn: {}", what, e.getMessage(), e);
      }
    }
  }

  /** Steps that have thrown since the start. Thread-safe. */
  long failures() {
    return failures.sum();
  }
}
