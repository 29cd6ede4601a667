package io.stillhouse.agent;

import io.stillhouse.agent.reconcile.Phase;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which phases are news. The first that a process sees is what an earlier one left on record and
 * told, so a start by itself never looks like a commit. A cut between the record and the telling
 * loses the event, and never the record. Used by one thread.
 */
final class LifeEvents {
  private @Nullable Phase last;

  /** The event that this phase is; empty when it is none, or nothing new. */
  Optional<String> of(Phase phase) {
    Phase before = last;
    last = phase;
    return before == null || before == phase ? Optional.empty() : kind(phase);
  }

  private static Optional<String> kind(Phase phase) {
    return switch (phase) {
      case PROBATION -> Optional.of("activated");
      case COMMITTED -> Optional.of("committed");
      case ROLLED_BACK -> Optional.of("rolled_back");
      case FAILED, INCOMPATIBLE -> Optional.of("refused");
      default -> Optional.empty();
    };
  }
}
