package io.stillhouse.quickstart;

/** The story cannot go on: what failed, why, and what the reader can do about it, in one line. */
final class StoryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StoryException(String what, String why, String fix) {
    super(what + ": " + why + ". " + fix);
  }
}
