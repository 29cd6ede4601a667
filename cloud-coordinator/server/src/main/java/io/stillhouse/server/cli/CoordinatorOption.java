package io.stillhouse.server.cli;

import io.stillhouse.server.remote.ClaimCalls;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which coordinator a command talks to. */
final class CoordinatorOption {
  static final String DEFAULT = "http://127.0.0.1:8080";
  static final String VARIABLE = "STILLHOUSE_COORDINATOR";
  static final String TOKEN_VARIABLE = "STILLHOUSE_TOKEN";

  @Option(
      names = "--coordinator",
      paramLabel = "URL",
      description = "The coordinator; default: $STILLHOUSE_COORDINATOR, else " + DEFAULT + ".")
  private Optional<String> coordinator = Optional.empty();

  /** The operator token comes from the environment only: arguments are seen by everybody. */
  CoordinatorClient client(Surroundings around) {
    return new CoordinatorClient(url(around), token(around));
  }

  /** The same coordinator as lab workers call it. */
  ClaimCalls claims(Surroundings around) {
    return new ClaimCalls(CoordinatorClient.base(url(around)), token(around));
  }

  private String url(Surroundings around) {
    return coordinator.orElse(around.environment().getOrDefault(VARIABLE, DEFAULT));
  }

  private static String token(Surroundings around) {
    return around.environment().getOrDefault(TOKEN_VARIABLE, "");
  }
}
