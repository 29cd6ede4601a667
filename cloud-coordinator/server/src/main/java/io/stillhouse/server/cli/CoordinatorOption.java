package io.stillhouse.server.cli;

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
    String url = coordinator.orElse(around.environment().getOrDefault(VARIABLE, DEFAULT));
    return new CoordinatorClient(url, around.environment().getOrDefault(TOKEN_VARIABLE, ""));
  }
}
