package io.stillhouse.agent;

/** The agent cannot do what was asked. The message is one line: what, why, what to do. */
final class AgentException extends RuntimeException {
  @java.io.Serial private static final long serialVersionUID = 1L;

  AgentException(String what, String why, String fix) {
    super(what + ": " + why + ". " + fix);
  }

  AgentException(String what, String why, String fix, Throwable cause) {
    super(what + ": " + why + ". " + fix, cause);
  }
}
