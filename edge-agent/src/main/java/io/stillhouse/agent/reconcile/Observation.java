package io.stillhouse.agent.reconcile;

import java.util.Optional;

/** Something that happened, which may move the update on. */
public record Observation(Kind kind, Payload payload) {
  /** What happened. */
  public enum Kind {
    /** The coordinator named a desired state. */
    DESIRED,
    /** The agent starts; the last stop was not announced. */
    BOOTED,
    /** The agent is about to stop because somebody asked. */
    STOPPING,
    /** The manifest is genuine and acceptable; files are to be fetched. */
    ACCEPTED,
    /** A slot, or the staging area, already holds every byte. */
    HELD,
    DOWNLOADED,
    /** The bundle is verified in its slot. */
    VERIFIED,
    TRIAL_BEGUN,
    /** The self-test passed. */
    TESTED,
    /** Probation passed. */
    PROVEN,
    /** The work of the phase ended in a refusal. */
    REFUSED,
    /** The committed model runs again. */
    RESTORED,
    /** The backoff has passed. */
    RETRY_DUE
  }

  /** What came with it; which one is present follows from the kind. */
  public record Payload(
      Optional<Desired> desired,
      Optional<Installed> installed,
      Optional<Refusal> refusal,
      Optional<TestFigures> figures) {
    static final Payload EMPTY =
        new Payload(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** An observation that says all by its kind. */
  public static Observation of(Kind kind) {
    return new Observation(kind, Payload.EMPTY);
  }

  public static Observation desired(Desired desired) {
    return new Observation(
        Kind.DESIRED,
        new Payload(Optional.of(desired), Optional.empty(), Optional.empty(), Optional.empty()));
  }

  public static Observation verified(Installed installed) {
    return new Observation(
        Kind.VERIFIED,
        new Payload(Optional.empty(), Optional.of(installed), Optional.empty(), Optional.empty()));
  }

  public static Observation refused(Refusal refusal) {
    return refused(refusal, Optional.empty());
  }

  /** A refusal with the figures of the self-test that led to it. */
  public static Observation refused(Refusal refusal, Optional<TestFigures> figures) {
    return new Observation(
        Kind.REFUSED,
        new Payload(Optional.empty(), Optional.empty(), Optional.of(refusal), figures));
  }

  public static Observation tested(TestFigures figures) {
    return new Observation(
        Kind.TESTED,
        new Payload(Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(figures)));
  }
}
