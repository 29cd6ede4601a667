package io.stillhouse.drive;

/** The story cannot go on: what failed, why, and what the reader can do about it, in one line. */
public final class DriveException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DriveException(String what, String why, String fix) {
    super(what + ": " + why + ". " + fix);
  }
}
