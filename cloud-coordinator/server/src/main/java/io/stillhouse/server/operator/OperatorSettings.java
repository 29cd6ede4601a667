package io.stillhouse.server.operator;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.util.List;

/**
 * Where the API listens and whom it lets in.
 *
 * @param port 0: a free one
 * @param allowedHosts names that browsers may use besides localhost, addresses and {@code host}
 * @param token what callers must present; empty: nothing
 */
public record OperatorSettings(String host, int port, List<String> allowedHosts, String token) {
  /**
   * Checks that nobody else can reach an open server.
   *
   * @throws CoordinatorException when the host is not loopback and there is no token
   */
  public OperatorSettings {
    allowedHosts = List.copyOf(allowedHosts);
    if (token.isEmpty() && !loopback(host)) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot serve operators on " + host,
          "that is not loopback, and anybody who reaches it could roll out models",
          "set operatorToken, or http.host to 127.0.0.1");
    }
  }

  static boolean loopback(String host) {
    return host.equals("localhost")
        || host.equals("::1")
        || host.equals("[::1]")
        || host.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
  }

  /** Says nothing of the token. */
  @Override
  public String toString() {
    return "OperatorSettings[" + host + ":" + port + "]";
  }
}
