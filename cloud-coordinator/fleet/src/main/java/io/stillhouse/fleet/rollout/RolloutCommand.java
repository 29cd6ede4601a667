package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.rollout.RolloutStatus.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What people may ask of a rollout, as pure functions like {@link RolloutPolicy#decide}. Asking for
 * what is so already, or is no longer possible, is not an error: the decision then changes nothing.
 *
 * <pre>
 * command    takes effect in              leads to
 * ---------  ---------------------------  ----------------------------------------
 * pause      PLANNED, RUNNING             PAUSED
 * resume     PAUSED                       RUNNING, the wave with a fresh deadline
 * abort      RUNNING, PAUSED              ABORTING, without quarantine
 * abort      PLANNED                      CANCELLED
 * supersede  PLANNED, RUNNING, PAUSED     SUPERSEDED
 * </pre>
 */
public final class RolloutCommand {
  private RolloutCommand() {}

  /** Opens no further wave until resumed; devices already reached go on. */
  public static Decision pause(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, String who, Instant now) {
    Draft draft = new Draft(spec, status, facts, now);
    if (status.phase() == RolloutPhase.PLANNED || status.phase() == RolloutPhase.RUNNING) {
      String text = "paused by " + who;
      draft.phase(RolloutPhase.PAUSED, text);
      draft.reasons(List.of(new Reason(Reason.Kind.OPERATOR, text)));
    }
    return draft.build();
  }

  /** Goes on where it was paused. The gate is not overruled: the wave still has to pass. */
  public static Decision resume(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, String who, Instant now) {
    Draft draft = new Draft(spec, status, facts, now);
    if (status.phase() == RolloutPhase.PAUSED) {
      draft.phase(RolloutPhase.RUNNING, "resumed by " + who);
      draft.deadline(status.wave().isPresent() ? spec.timings().waveDeadline() : Duration.ZERO);
      draft.reasons(List.of());
    }
    return draft.build();
  }

  /**
   * Sends every touched device back. The artifact is not quarantined: nothing is held against it.
   */
  public static Decision abort(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, String who, Instant now) {
    Draft draft = new Draft(spec, status, facts, now);
    String text = "aborted by " + who;
    if (status.phase() == RolloutPhase.PLANNED) {
      draft.phase(RolloutPhase.CANCELLED, text);
      draft.reasons(List.of(new Reason(Reason.Kind.OPERATOR, text)));
    } else if (status.phase().forward()) {
      closeUndecided(draft, spec, status, facts, now, text);
      draft.phase(RolloutPhase.ABORTING, text);
      draft.deadline(Duration.ZERO);
      draft.reasons(List.of(new Reason(Reason.Kind.OPERATOR, text)));
    }
    return draft.build();
  }

  /**
   * Yields to a newer rollout, which must cover all devices of this one: they get their next wish
   * from it, so none is left with an artifact that nobody judges.
   */
  public static Decision supersede(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, RolloutSpec newer, Instant now) {
    if (!newer.covers(spec)) {
      throw new IllegalArgumentException(
          "rollout %s does not cover the devices of %s (expected: all of them)"
              .formatted(newer.id(), spec.id()));
    }
    return status.phase().forward()
        ? superseded(spec, status, facts, "superseded by " + newer.id(), now)
        : Decision.none(status);
  }

  static Decision superseded(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, String text, Instant now) {
    Draft draft = new Draft(spec, status, facts, now);
    closeUndecided(draft, spec, status, facts, now, text);
    draft.phase(RolloutPhase.SUPERSEDED, text);
    draft.reasons(List.of(new Reason(Reason.Kind.SUPERSEDED, text)));
    return draft.build();
  }

  private static void closeUndecided(
      Draft draft,
      RolloutSpec spec,
      RolloutStatus status,
      RolloutFacts facts,
      Instant now,
      String why) {
    status
        .wave()
        .ifPresent(
            wave ->
                draft.close(
                    new WaveGate(spec, facts, now)
                        .judge(wave.index())
                        .as(new Verdict.Inconclusive(why))));
  }
}
