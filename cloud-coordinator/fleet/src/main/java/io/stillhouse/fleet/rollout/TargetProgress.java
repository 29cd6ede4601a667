package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Derives what became of a target, and whether it has come back, from facts alone. */
final class TargetProgress {
  private final RolloutSpec spec;
  private final RolloutFacts facts;
  private final Instant now;

  TargetProgress(RolloutSpec spec, RolloutFacts facts, Instant now) {
    this.spec = spec;
    this.facts = facts;
    this.now = now;
  }

  Outcome of(RolloutTarget target) {
    TargetFacts known = facts.of(target);
    if (known.revoked()) {
      return Outcome.REVOKED;
    }
    if (taken(target, known)) {
      return Outcome.SUPERSEDED;
    }
    if (known.told().offer().isEmpty()) {
      return facts.quarantined().contains(target.hardwareClass())
          ? Outcome.QUARANTINED
          : Outcome.NOT_OFFERED;
    }
    TargetFacts.Order offer = known.told().offer().get();
    long reported = known.reported().map(ReportedState::observedGeneration).orElse(0L);
    if (reported > offer.generation()) {
      return Outcome.RECALLED;
    }
    if (reported == offer.generation()) {
      return stated(target, known, known.reported().orElseThrow());
    }
    long heard = known.heartbeat().map(Heartbeat::generation).orElse(0L);
    if (heard < offer.generation()) {
      return Outcome.UNREACHED;
    }
    return unlessStalled(offer.at(), spec.timings().patience().phaseDeadline());
  }

  /** Something newer than this rollout wrote the device's desired state. */
  private boolean taken(RolloutTarget target, TargetFacts known) {
    if (known.desired().isEmpty()) {
      return false;
    }
    var desired = known.desired().get();
    if (desired.rollout().filter(spec.id()::equals).isPresent()) {
      return false;
    }
    long mine =
        known
            .told()
            .offer()
            .map(TargetFacts.Order::generation)
            .orElse(target.origin().generation());
    return desired.generation() > mine;
  }

  private Outcome stated(RolloutTarget target, TargetFacts known, ReportedState state) {
    Duration patience = spec.timings().patience().phaseDeadline();
    boolean running =
        known.heartbeat().flatMap(Heartbeat::running).filter(target.artifact()::equals).isPresent();
    return switch (state.phase()) {
      case ROLLING_BACK, ROLLED_BACK, FAILED -> Outcome.FAILED;
      case INCOMPATIBLE -> Outcome.INCOMPATIBLE;
      // Believed only when the device is seen to run it: a fleet that merely says so would
      // otherwise pass a gate without a single attempt.
      case ALREADY_SATISFIED ->
          running ? Outcome.ALREADY_SATISFIED : unlessStalled(state.since(), patience);
      case COMMITTED -> {
        boolean later = known.heartbeat().filter(h -> h.at().isAfter(state.since())).isPresent();
        if (running && later) {
          yield Outcome.SUCCEEDED;
        }
        yield silent(known, state) ? Outcome.LOST : unlessStalled(state.since(), patience);
      }
      case SELF_TEST, PROBATION ->
          silent(known, state)
              ? Outcome.LOST
              : unlessStalled(state.since(), patience.plus(spec.timings().probation()));
      case IDLE, OFFERED, FAILED_RETRYABLE, DOWNLOADING, VERIFYING, STAGED ->
          unlessStalled(state.since(), patience);
    };
  }

  private Outcome unlessStalled(Instant since, Duration patience) {
    return now.isBefore(heardSince(since).plus(patience)) ? Outcome.IN_PROGRESS : Outcome.STALLED;
  }

  private Instant heardSince(Instant since) {
    return since.isAfter(facts.listeningSince()) ? since : facts.listeningSince();
  }

  private boolean silent(TargetFacts known, ReportedState state) {
    Instant heard = known.heartbeat().map(Heartbeat::at).orElse(state.since());
    Instant last = heard.isAfter(state.since()) ? heard : state.since();
    return !now.isBefore(heardSince(last).plus(spec.timings().patience().lostAfter()));
  }

  /**
   * Whether a failed rollout still waits for this device: it was told to return, nothing newer has
   * taken it, and it is not seen to run its fallback. A device that never knew of the offer needs
   * not confirm that it knows of the return.
   */
  boolean awaited(RolloutTarget target) {
    TargetFacts known = facts.of(target);
    if (known.revoked() || known.told().recall().isEmpty() || taken(target, known)) {
      return false;
    }
    long heard = known.heartbeat().map(Heartbeat::generation).orElse(0L);
    long reported = known.reported().map(ReportedState::observedGeneration).orElse(0L);
    long offered =
        known
            .told()
            .offer()
            .map(TargetFacts.Order::generation)
            .orElse(target.origin().generation());
    if (heard < offered && reported < offered) {
      return false;
    }
    Optional<Heartbeat> since =
        known.heartbeat().filter(h -> h.generation() >= known.told().recall().get().generation());
    return since.isEmpty() || !since.get().running().equals(target.fallback());
  }
}
