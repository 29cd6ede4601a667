package io.stillhouse.fleet.desired;

/**
 * Where a device stands with one generation. The names are those of the wire contract.
 *
 * <p>Within one attempt a device moves to a higher {@link #rank} only; messages that say otherwise
 * are late or wrong and change nothing. Bad news outranks {@link #COMMITTED}: a device that says
 * both is believed to have failed.
 */
public enum Phase {
  IDLE(0),
  OFFERED(1),
  FAILED_RETRYABLE(2),
  DOWNLOADING(3),
  VERIFYING(4),
  STAGED(5),
  SELF_TEST(6),
  PROBATION(7),
  ALREADY_SATISFIED(8),
  INCOMPATIBLE(8),
  COMMITTED(9),
  ROLLING_BACK(10),
  ROLLED_BACK(11),
  FAILED(11);

  private final int rank;

  Phase(int rank) {
    this.rank = rank;
  }

  /** Order within an attempt. */
  public int rank() {
    return rank;
  }

  /** The new model answers requests and is not yet trusted; silence now is a sign of harm. */
  public boolean onTrial() {
    return this == SELF_TEST || this == PROBATION;
  }

  /** The device has said its last word on this attempt. */
  public boolean terminal() {
    return rank >= 8 && this != ROLLING_BACK;
  }
}
