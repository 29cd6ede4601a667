package io.stillhouse.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.service.DeviceDirectory.DeviceDetail;
import io.stillhouse.server.service.DeviceDirectory.DeviceView;
import io.stillhouse.server.service.DeviceDirectory.TokenRequest;
import io.stillhouse.server.service.DeviceDirectory.TokenView;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Devices: enrol, look, label, refuse. */
@Command(
    name = "device",
    mixinStandardHelpOptions = true,
    description = "Devices: make a token, list, show, label, revoke.")
final class DeviceCommands extends Cli.Group {
  private final Surroundings around;

  DeviceCommands(Surroundings around) {
    this.around = around;
  }

  @Command(
      name = "token",
      mixinStandardHelpOptions = true,
      description = "Make a one-time token with which one device can enrol.")
  void token(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Option(names = "--name", paramLabel = "NAME", description = "Wished name of the device.")
          Optional<String> name,
      @Option(names = "--label", paramLabel = "KEY=VALUE", description = "A label; repeatable.")
          @Nullable Map<String, String> labels) {
    TokenRequest request =
        new TokenRequest(name, Optional.ofNullable(labels).filter(given -> !given.isEmpty()));
    JsonNode answer = coordinator.client(around).post("/device-tokens", request);
    TokenView token = CoordinatorClient.as(answer, TokenView.class);
    json.print(
        around.out(),
        answer,
        () -> {
          around.out().println(token.token());
          around.err().println("valid for one device until " + token.expiresAt());
          around.err().flush();
        });
  }

  @Command(name = "list", mixinStandardHelpOptions = true, description = "List the devices.")
  void list(@Mixin CoordinatorOption coordinator, @Mixin JsonOption json) {
    JsonNode answer = coordinator.client(around).get("/devices");
    json.print(
        around.out(),
        answer,
        () -> {
          Table table = new Table("DEVICE", "LIVENESS", "CLASS", "STATE", "LABELS");
          for (JsonNode node : answer.path("devices")) {
            DeviceView d = CoordinatorClient.as(node, DeviceView.class);
            table.row(
                d.name(),
                d.revoked() ? "REVOKED" : d.liveness(),
                d.hardwareClass(),
                d.state(),
                labels(d.labels()));
          }
          table.print(around.out());
        });
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show one device: profile, what is wanted, what it said, what happened.")
  void show(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "DEVICE", description = "Id or name.") String device) {
    JsonNode answer = coordinator.client(around).get("/devices/" + CoordinatorClient.part(device));
    DeviceDetail detail = CoordinatorClient.as(answer, DeviceDetail.class);
    json.print(around.out(), answer, () -> print(detail, answer.path("profile")));
  }

  private void print(DeviceDetail detail, JsonNode profile) {
    DeviceView d = detail.device();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("id", d.id());
    facts.put("liveness", d.liveness() + d.lastSeen().map(at -> ", last seen " + at).orElse(""));
    facts.put("class", d.hardwareClass());
    facts.put("board", d.board() + ", " + d.architecture());
    facts.put("labels", labels(d.labels()));
    facts.put("state", d.state());
    d.desired()
        .ifPresent(
            w ->
                facts.put(
                    "desired",
                    "generation %d, %s%s"
                        .formatted(
                            w.generation(),
                            w.artifact().map(DeviceCommands::abbreviated).orElse("no model"),
                            w.model().map(m -> ", " + m).orElse(""))));
    d.reported()
        .ifPresent(
            r ->
                facts.put(
                    "reported",
                    "generation %d, %s, runs %s%s"
                        .formatted(
                            r.generation(),
                            r.phase(),
                            r.running().map(DeviceCommands::abbreviated).orElse("nothing"),
                            r.refusal().isEmpty() && !r.detail().isEmpty()
                                ? ", " + r.detail()
                                : "")));
    // By this name the operator guide knows what to do.
    d.reported()
        .filter(r -> !r.refusal().isEmpty())
        .ifPresent(
            r ->
                facts.put(
                    "refusal", r.refusal() + (r.detail().isEmpty() ? "" : ": " + r.detail())));
    facts.put("profile", profile);
    Table table = new Table("device", d.name());
    facts.forEach(table::row);
    table.print(around.out());
    around.out().println();
    Table timeline = new Table("AT", "WHAT", "BY", "DETAIL");
    detail.timeline().forEach(t -> timeline.row(t.at(), t.kind(), t.actor(), t.detail()));
    timeline.print(around.out());
  }

  @Command(
      name = "label",
      mixinStandardHelpOptions = true,
      description = "Replace the labels of a device; none given removes all.")
  void label(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "DEVICE", index = "0", description = "Id or name.") String device,
      @Parameters(paramLabel = "KEY=VALUE", index = "1..*", arity = "0..*", description = "Labels.")
          @Nullable Map<String, String> labels) {
    Map<String, String> given = labels == null ? Map.of() : labels;
    JsonNode answer =
        coordinator
            .client(around)
            .put("/devices/" + CoordinatorClient.part(device) + "/labels", Map.of("labels", given));
    json.print(around.out(), answer, () -> around.out().println(device + ": " + labels(given)));
  }

  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description = "Refuse a device for ever; what it runs, it keeps running.")
  void revoke(
      @Mixin CoordinatorOption coordinator,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "DEVICE", description = "Id or name.") String device) {
    JsonNode answer =
        coordinator
            .client(around)
            .post("/devices/" + CoordinatorClient.part(device) + "/revoke", Map.of());
    json.print(
        around.out(), answer, () -> around.out().println(device + " is refused from now on"));
  }

  private static String labels(Map<String, String> labels) {
    return labels.entrySet().stream()
        .map(e -> e.getKey() + "=" + e.getValue())
        .sorted()
        .collect(Collectors.joining(","));
  }

  private static String abbreviated(String digest) {
    return digest.length() > 12 ? digest.substring(0, 12) : digest;
  }
}
