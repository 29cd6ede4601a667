package io.stillhouse.server.failure;

import java.io.Serial;

/**
 * A failure that a person can act upon. Its message is one line: what failed, why, and what to do.
 * Everything else that goes wrong is a defect and keeps its own exception.
 */
public final class CoordinatorException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final ErrorCategory category;
  private final String what;
  private final String why;
  private final String fix;

  public CoordinatorException(ErrorCategory category, String what, String why, String fix) {
    super(oneLine(what + ": " + why + "; " + fix));
    this.category = category;
    this.what = oneLine(what);
    this.why = oneLine(why);
    this.fix = oneLine(fix);
  }

  public CoordinatorException(
      ErrorCategory category, String what, String why, String fix, Throwable cause) {
    this(category, what, why, fix);
    initCause(cause);
  }

  public ErrorCategory category() {
    return category;
  }

  public String what() {
    return what;
  }

  public String why() {
    return why;
  }

  public String fix() {
    return fix;
  }

  /** The whole failure in one line, as people see it. */
  public String line() {
    return what + ": " + why + "; " + fix;
  }

  private static String oneLine(String text) {
    return text.replaceAll("[\\p{Cntrl}]+", " ").strip();
  }
}
