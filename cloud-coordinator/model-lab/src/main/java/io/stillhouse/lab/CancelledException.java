package io.stillhouse.lab;

/** The work was told to stop and did, after saving what it had. */
public final class CancelledException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CancelledException(String step) {
    super(step + " was cancelled");
  }
}
