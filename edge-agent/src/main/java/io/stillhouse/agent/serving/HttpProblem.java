package io.stillhouse.agent.serving;

/** A request cannot be answered; the status and the one-line message are what the client gets. */
final class HttpProblem extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;

  HttpProblem(int status, String message) {
    // No stack trace: the cause is the client's, and hostile clients must not cost one each.
    super(message, null, false, false);
    this.status = status;
  }

  static HttpProblem badRequest(String message) {
    return new HttpProblem(400, message);
  }

  int status() {
    return status;
  }
}
