package io.stillhouse.agent.reconcile;

/**
 * A reason not to go on with an artifact.
 *
 * @param detail one line for people, at most {@link #DETAIL_CHARS_MAX} characters
 * @param retryable whether the same bytes may be accepted later without anybody's doing
 */
public record Refusal(RefusalReason reason, String detail, boolean retryable) {
  /** Longer texts are cut: details travel in every report. */
  public static final int DETAIL_CHARS_MAX = 300;

  public Refusal {
    String line = detail.replaceAll("\\p{Cntrl}+", " ").strip();
    detail = line.length() > DETAIL_CHARS_MAX ? line.substring(0, DETAIL_CHARS_MAX) : line;
  }

  /** The artifact itself is at fault. */
  public static Refusal permanent(RefusalReason reason, String detail) {
    return new Refusal(reason, detail, false);
  }

  /** The circumstances are at fault: network, disk, an interrupted transfer. */
  public static Refusal passing(RefusalReason reason, String detail) {
    return new Refusal(reason, detail, true);
  }
}
