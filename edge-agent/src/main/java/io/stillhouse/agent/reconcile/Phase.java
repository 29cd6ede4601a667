package io.stillhouse.agent.reconcile;

/** Where this device stands with the newest generation. {@link UpdateMachine} has the moves. */
public enum Phase {
  /** Nothing was ever wanted, or the journal was lost. */
  IDLE,
  /** A generation is known; its manifest has not been accepted yet. */
  OFFERED,
  DOWNLOADING,
  VERIFYING,
  /** Verified, in a slot of its own, not running. */
  STAGED,
  /** A child process tries it; the committed model still answers. */
  SELF_TEST,
  /** It answers live requests and is not trusted yet. */
  PROBATION,
  COMMITTED,
  ROLLING_BACK,
  ROLLED_BACK,
  /** Refused before it ran; final for this generation. */
  FAILED,
  FAILED_RETRYABLE,
  ALREADY_SATISFIED,
  /** Made for another hardware class or a newer runtime. */
  INCOMPATIBLE;

  /** Whether an unfinished trial of a new model stands behind this phase. */
  public boolean onTrial() {
    return this == SELF_TEST || this == PROBATION;
  }

  /** Whether nothing more happens to this generation. */
  public boolean atRest() {
    return this == IDLE
        || this == COMMITTED
        || this == ROLLED_BACK
        || this == FAILED
        || this == ALREADY_SATISFIED
        || this == INCOMPATIBLE;
  }
}
