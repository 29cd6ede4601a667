package io.stillhouse.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What happened, to whom, and who caused it. */
@Command(
    name = "audit",
    mixinStandardHelpOptions = true,
    description = "List what happened, newest first.")
final class AuditCommand implements Runnable {
  private final Surroundings around;

  @Mixin private final CoordinatorOption coordinator = new CoordinatorOption();
  @Mixin private final JsonOption json = new JsonOption();

  @Option(names = "--limit", paramLabel = "N", description = "Lines; default: ${DEFAULT-VALUE}.")
  private int limit = 50;

  AuditCommand(Surroundings around) {
    this.around = around;
  }

  @Override
  public void run() {
    JsonNode answer = coordinator.client(around).get("/audit?limit=" + limit);
    json.print(
        around.out(),
        answer,
        () -> {
          Table table = new Table("AT", "BY", "WHAT", "TO", "DETAIL");
          for (JsonNode line : answer.path("audit")) {
            table.row(
                line.path("at").asText(),
                line.path("actor").asText(),
                line.path("kind").asText(),
                line.path("subject").asText(),
                line.path("detail").asText());
          }
          table.print(around.out());
        });
  }
}
