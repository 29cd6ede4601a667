package io.stillhouse.agent.link;

/**
 * The coordinator cannot be reached, or refuses. The message is one line: what, why, what to do.
 */
public final class LinkException extends Exception {
  @java.io.Serial private static final long serialVersionUID = 1L;

  LinkException(String what, String why, String fix, Throwable cause) {
    super(what + ": " + why + ". " + fix, cause);
  }

  LinkException(String what, String why, String fix) {
    super(what + ": " + why + ". " + fix);
  }
}
