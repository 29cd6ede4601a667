package io.stillhouse.agent.reconcile;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * The device's half of a rollout as one pure function: what is on record and what was seen give
 * what to record next. The caller writes the result durably <em>before</em> it does the work of the
 * new phase ({@link Task#of}), and runs {@link UpdateState#live()} in every state; then a cut at
 * any point repeats work and never skips a check.
 *
 * <pre>
 * phase                        observation    next                       and
 * ---------------------------  -------------  -------------------------  ------------------------
 * any                          DESIRED new    OFFERED                    drop the trial, attempt 1
 * any                          DESIRED new    ALREADY_SATISFIED          if it names the committed
 * any                          DESIRED new    COMMITTED                  if it names no model
 * any                          DESIRED old    same
 * OFFERED                      ACCEPTED       DOWNLOADING
 * OFFERED                      HELD           VERIFYING
 * DOWNLOADING                  DOWNLOADED     VERIFYING
 * VERIFYING                    VERIFIED       STAGED                     it is the trial
 * STAGED                       TRIAL_BEGUN    SELF_TEST
 * STAGED                       TRIAL_BEGUN    PROBATION                  if it is the fallback
 * SELF_TEST                    TESTED         PROBATION                  keep the figures
 * PROBATION                    PROVEN         COMMITTED                  committed becomes fallback
 * OFFERED..STAGED              REFUSED        FAILED_RETRYABLE           a passing reason, not too often
 * OFFERED..STAGED              REFUSED        INCOMPATIBLE               WRONG_CLASS
 * OFFERED..STAGED              REFUSED        FAILED                     any other
 * SELF_TEST, PROBATION         REFUSED        ROLLING_BACK               quarantine the digest
 * ROLLING_BACK                 RESTORED       ROLLED_BACK                drop the trial
 * FAILED_RETRYABLE             RETRY_DUE      OFFERED
 * SELF_TEST, PROBATION         BOOTED         as after TRIAL_BEGUN       count the exit, start over
 * SELF_TEST, PROBATION         BOOTED         ROLLING_BACK               too many exits: quarantine
 * any other                    BOOTED         same
 * SELF_TEST, PROBATION         STOPPING       STAGED                     not an abnormal exit
 * any other                    STOPPING       same
 * </pre>
 *
 * Everything else is illegal and throws. A newer generation supersedes whatever is unfinished, and
 * nothing but a newer generation moves a device out of {@code COMMITTED}: no report, expiry or
 * authentication failure is an observation at all.
 *
 * <p>A fallback passed its self-test when it was new, on this device. A return to it is told to a
 * board that the model to be left may have slowed down or filled; a second test beside that one
 * would judge the board, and a model that is harmful could keep out the one that is not.
 */
public final class UpdateMachine {
  /** Starts that may find an unfinished trial before it counts as a crash loop. */
  public static final int ABNORMAL_EXITS_MAX = 2;

  /**
   * Passing failures of one generation before it is given up. A network that is down does not
   * count: an offline device waits for ever.
   */
  public static final int PASSING_FAILURES_MAX = 8;

  private static final Set<Phase> BEFORE_TRIAL =
      EnumSet.of(Phase.OFFERED, Phase.DOWNLOADING, Phase.VERIFYING, Phase.STAGED);

  private UpdateMachine() {}

  /**
   * What to record next.
   *
   * @throws IllegalStateException when the observation cannot happen in this state
   */
  public static UpdateState next(UpdateState state, Observation seen) {
    return switch (seen.kind()) {
      case DESIRED -> desired(state, payload(seen.payload().desired(), seen));
      case BOOTED -> booted(state);
      case STOPPING ->
          state.phase().onTrial() ? state.with(state.progress().again(Phase.STAGED)) : state;
      case ACCEPTED -> from(state, seen, Phase.OFFERED).at(Phase.DOWNLOADING);
      case HELD -> from(state, seen, Phase.OFFERED).at(Phase.VERIFYING);
      case DOWNLOADED -> from(state, seen, Phase.DOWNLOADING).at(Phase.VERIFYING);
      case VERIFIED -> verified(from(state, seen, Phase.VERIFYING), seen);
      case TRIAL_BEGUN -> from(state, seen, Phase.STAGED).at(firstOfTrial(state));
      case TESTED ->
          from(state, seen, Phase.SELF_TEST)
              .with(state.evidence().with(payload(seen.payload().figures(), seen)))
              .at(Phase.PROBATION);
      case PROVEN -> proven(from(state, seen, Phase.PROBATION));
      case REFUSED -> refused(state, seen);
      case RESTORED ->
          from(state, seen, Phase.ROLLING_BACK)
              .with(state.models().rejectTrial())
              .at(Phase.ROLLED_BACK);
      case RETRY_DUE ->
          from(state, seen, Phase.FAILED_RETRYABLE).with(Evidence.NONE).at(Phase.OFFERED);
    };
  }

  private static Phase firstOfTrial(UpdateState state) {
    return state.models().returning() ? Phase.PROBATION : Phase.SELF_TEST;
  }

  private static UpdateState proven(UpdateState state) {
    Models promoted = state.models().promoteTrial();
    return state
        .with(promoted)
        .with(state.memory().committing(promoted))
        .with(new Evidence(Optional.empty(), state.evidence().selfTest()))
        .at(Phase.COMMITTED);
  }

  private static UpdateState desired(UpdateState state, Desired wanted) {
    if (wanted.generation() <= state.desired().generation()) {
      return state;
    }
    Models kept = state.models().withoutTrial();
    Optional<Digest> committed = kept.committed().map(Installed::digest);
    Phase phase;
    if (wanted.artifact().equals(committed)) {
      phase = Phase.ALREADY_SATISFIED;
    } else if (wanted.artifact().isEmpty()) {
      phase = Phase.COMMITTED;
      kept = kept.withdraw();
    } else {
      phase = Phase.OFFERED;
    }
    Memory memory = wanted.artifact().map(state.memory()::without).orElse(state.memory());
    return new UpdateState(wanted, Progress.first(phase), kept, Evidence.NONE, memory);
  }

  private static UpdateState booted(UpdateState state) {
    if (!state.phase().onTrial()) {
      return state;
    }
    UpdateState counted = state.with(state.progress().exitedOnce());
    int exits = counted.progress().abnormalExits();
    if (exits > ABNORMAL_EXITS_MAX) {
      return rollBack(
          counted,
          Refusal.permanent(
              RefusalReason.CRASH_LOOP,
              "the agent ended %d times while this model was on trial (expected: at most %d)"
                  .formatted(exits, ABNORMAL_EXITS_MAX)));
    }
    return counted.with(counted.progress().again(firstOfTrial(state)));
  }

  private static UpdateState verified(UpdateState state, Observation seen) {
    Installed staged = payload(seen.payload().installed(), seen);
    boolean overwritesCommitted =
        state.models().committed().map(c -> c.slot() == staged.slot()).orElse(false);
    if (overwritesCommitted || !state.desired().artifact().equals(Optional.of(staged.digest()))) {
      throw illegal(state, seen);
    }
    return state.with(state.models().withTrial(staged)).at(Phase.STAGED);
  }

  private static UpdateState refused(UpdateState state, Observation seen) {
    Refusal refusal = payload(seen.payload().refusal(), seen);
    UpdateState explained =
        state.with(
            new Evidence(
                Optional.of(refusal),
                seen.payload().figures().or(() -> state.evidence().selfTest())));
    if (state.phase().onTrial()) {
      return rollBack(explained, refusal);
    }
    if (!BEFORE_TRIAL.contains(state.phase())) {
      throw illegal(state, seen);
    }
    UpdateState dropped = explained.with(state.models().rejectTrial());
    if (refusal.retryable()) {
      Progress failed = state.progress().failedOnce();
      if (refusal.reason() == RefusalReason.NETWORK) {
        return dropped.with(
            new Progress(
                failed.phase(),
                failed.attempt(),
                state.progress().failures(),
                failed.abnormalExits()));
      }
      if (failed.failures() < PASSING_FAILURES_MAX) {
        return dropped.with(failed);
      }
    }
    return dropped.at(
        refusal.reason() == RefusalReason.WRONG_CLASS ? Phase.INCOMPATIBLE : Phase.FAILED);
  }

  private static UpdateState rollBack(UpdateState state, Refusal refusal) {
    Memory memory =
        state
            .desired()
            .artifact()
            .map(
                digest ->
                    state
                        .memory()
                        .quarantining(
                            new Memory.Quarantined(
                                digest, state.desired().generation(), refusal.reason())))
            .orElse(state.memory());
    return state.with(state.evidence().with(refusal)).with(memory).at(Phase.ROLLING_BACK);
  }

  private static UpdateState from(UpdateState state, Observation seen, Phase expected) {
    if (state.phase() != expected) {
      throw illegal(state, seen);
    }
    return state;
  }

  private static <T> T payload(Optional<T> part, Observation seen) {
    return part.orElseThrow(
        () -> new IllegalStateException(seen.kind() + " came without what it is about"));
  }

  private static IllegalStateException illegal(UpdateState state, Observation seen) {
    return new IllegalStateException(
        "%s in phase %s, generation %d (not in the transition table)"
            .formatted(seen.kind(), state.phase(), state.desired().generation()));
  }
}
