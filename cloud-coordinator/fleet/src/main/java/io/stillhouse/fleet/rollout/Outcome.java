package io.stillhouse.fleet.rollout;

/** What a rollout makes of one of its targets, derived from facts and never stored. */
public enum Outcome {
  /** Its wave has not opened. */
  NOT_OFFERED(Kind.WAITING),
  /** Offered; the device has not said that it knows. */
  UNREACHED(Kind.WAITING),
  IN_PROGRESS(Kind.REACHED),
  /** Too long in one phase. Attempted without being failed. */
  STALLED(Kind.ATTEMPTED),
  /** Committed, and a later heartbeat shows the artifact running. */
  SUCCEEDED(Kind.ATTEMPTED),
  FAILED(Kind.ATTEMPTED),
  /** Fell silent with the artifact active and not proven; counts as failed. */
  LOST(Kind.ATTEMPTED),
  /** Ran the artifact before it was offered, and a heartbeat shows it. */
  ALREADY_SATISFIED(Kind.ASIDE),
  INCOMPATIBLE(Kind.ASIDE),
  QUARANTINED(Kind.ASIDE),
  /** Something newer decides what this device runs. */
  SUPERSEDED(Kind.ASIDE),
  REVOKED(Kind.ASIDE),
  /** It has acted on the order to return. */
  RECALLED(Kind.ASIDE);

  private enum Kind {
    WAITING,
    REACHED,
    ATTEMPTED,
    ASIDE
  }

  private final Kind kind;

  Outcome(Kind kind) {
    this.kind = kind;
  }

  public boolean reached() {
    return kind == Kind.REACHED || kind == Kind.ATTEMPTED;
  }

  public boolean attempted() {
    return kind == Kind.ATTEMPTED;
  }

  public boolean failed() {
    return this == FAILED || this == LOST;
  }

  /** Shown beside the counts and left out of every rate, which it would only dilute. */
  public boolean aside() {
    return kind == Kind.ASIDE;
  }

  /** Nothing more is expected of the device. */
  public boolean settled() {
    return this == SUCCEEDED || this == FAILED || aside();
  }
}
