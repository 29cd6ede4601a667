package io.stillhouse.agent.reconcile;

/** The work that belongs to a phase. Each may be cut short and begun again at any point. */
public enum Task {
  /** Nothing to do until something is wanted. */
  REST,
  /** Wait out the backoff, then try again. */
  WAIT,
  /** Fetch and check the manifest. */
  CHECK_OFFER,
  /** Fetch the missing chunks. */
  DOWNLOAD,
  /** Check every byte and move the bundle into a slot. */
  VERIFY,
  BEGIN_TRIAL,
  RUN_SELF_TEST,
  WATCH_TRIAL,
  /** Run the committed model again. */
  RESTORE;

  /** What there is to do in a phase. */
  public static Task of(Phase phase) {
    return switch (phase) {
      case OFFERED -> CHECK_OFFER;
      case DOWNLOADING -> DOWNLOAD;
      case VERIFYING -> VERIFY;
      case STAGED -> BEGIN_TRIAL;
      case SELF_TEST -> RUN_SELF_TEST;
      case PROBATION -> WATCH_TRIAL;
      case ROLLING_BACK -> RESTORE;
      case FAILED_RETRYABLE -> WAIT;
      case IDLE, COMMITTED, ROLLED_BACK, FAILED, ALREADY_SATISFIED, INCOMPATIBLE -> REST;
    };
  }
}
