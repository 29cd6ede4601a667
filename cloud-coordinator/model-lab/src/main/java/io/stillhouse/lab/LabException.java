package io.stillhouse.lab;

/**
 * The lab cannot do what it was asked, for a reason that lies outside the code: bad input, missing
 * data, no memory. Its message is one line for people: what, why, what to do.
 */
public final class LabException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String what;
  private final String why;
  private final String fix;

  public LabException(String what, String why, String fix) {
    super(oneLine(what) + ": " + oneLine(why) + ". " + oneLine(fix));
    this.what = oneLine(what);
    this.why = oneLine(why);
    this.fix = oneLine(fix);
  }

  public LabException(String what, String why, String fix, Throwable cause) {
    this(what, why, fix);
    initCause(cause);
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

  private static String oneLine(String text) {
    return text.replaceAll("\\s*[\\r\\n]+\\s*", " ");
  }
}
