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
  private final boolean argument;

  public LabException(String what, String why, String fix) {
    this(what, why, fix, false);
  }

  private LabException(String what, String why, String fix, boolean argument) {
    super(oneLine(what) + ": " + oneLine(why) + ". " + oneLine(fix));
    this.what = oneLine(what);
    this.why = oneLine(why);
    this.fix = oneLine(fix);
    this.argument = argument;
  }

  public LabException(String what, String why, String fix, Throwable cause) {
    this(what, why, fix);
    initCause(cause);
  }

  /** What was asked makes no sense whatever the world is like: a name, a number, a form. */
  public static LabException ofArgument(String what, String why, String fix) {
    return new LabException(what, why, fix, true);
  }

  /** True when only another argument helps, false when the world may change. */
  public boolean isOfArgument() {
    return argument;
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
