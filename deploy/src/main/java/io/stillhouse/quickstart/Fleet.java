package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.drive.AgentClient;
import io.stillhouse.drive.CoordinatorClient;
import io.stillhouse.drive.Programs;
import io.stillhouse.drive.Waiting;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Brings up the coordinator and the three agents, and knows where each of them listens. */
final class Fleet {
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final String MODEL = "inspect";

  private final Options options;
  private final Programs programs;
  private final Waiting waiting;
  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<String, AgentClient> agents = new LinkedHashMap<>();
  private String grpcAddress = "";
  private URI console = URI.create("http://127.0.0.1/");

  Fleet(Options options, Programs programs, Waiting waiting) {
    this.options = options;
    this.programs = programs;
    this.waiting = waiting;
  }

  /** Starts the coordinator on free ports and waits until everything in it serves. */
  CoordinatorClient startCoordinator() throws IOException {
    Path dir = options.dataDir().resolve("coordinator");
    Files.createDirectories(dir);
    Path config = options.dataDir().resolve("coordinator.yaml");
    Files.writeString(
        config,
        """
        http: {host: 127.0.0.1, port: 0}
        grpc: {host: 127.0.0.1, port: 0}
        kafka: {embedded: true, port: 0}
        """);
    programs.start(
        "coordinator",
        "stillhouse",
        List.of("serve", "--config", config.toString(), "--data-dir", dir.toString()));
    JsonNode endpoints =
        waiting.until(
            "coordinator start",
            START_MAX,
            "See the log " + options.dataDir().resolve("logs/coordinator.log"),
            () -> {
              programs.requireAlive();
              return readJson(dir.resolve("endpoints.json"));
            });
    console = URI.create(endpoints.path("http").asText());
    grpcAddress = endpoints.path("grpc").asText();
    CoordinatorClient coordinator = new CoordinatorClient(http, console);
    waiting.until(
        "coordinator readiness",
        START_MAX,
        "See the log " + options.dataDir().resolve("logs/coordinator.log"),
        () -> {
          programs.requireAlive();
          return coordinator.healthy() ? Optional.of(true) : Optional.empty();
        });
    return coordinator;
  }

  /** Enrols and starts one agent per board; returns when each answers on its inference API. */
  void startAgents(CoordinatorClient coordinator, List<Board> boards) throws IOException {
    for (Board board : boards) {
      Path dir = options.dataDir().resolve("agent-" + board.name());
      Files.createDirectories(dir);
      Path config = options.dataDir().resolve("agent-" + board.name() + ".yaml");
      Files.writeString(config, board.agentYaml());
      String token =
          coordinator
              .post("/device-tokens", Map.of("name", "edge-" + board.name()))
              .path("token")
              .asText();
      List<String> place = List.of("--data-dir", dir.toString(), "--config", config.toString());
      List<String> enroll = new ArrayList<>(List.of("enroll", "--coordinator", grpcAddress));
      enroll.addAll(List.of("--token", token));
      enroll.addAll(place);
      programs.run("enroll-" + board.name(), "stillhouse-agent", enroll);
      List<String> run = new ArrayList<>(List.of("run"));
      run.addAll(place);
      programs.start("agent-" + board.name(), "stillhouse-agent", run);
    }
    for (Board board : boards) {
      Path portFile = options.dataDir().resolve("agent-" + board.name()).resolve("rest.port");
      String port =
          waiting.until(
              "agent " + board.name() + " start",
              START_MAX,
              "See the log " + options.dataDir().resolve("logs/agent-" + board.name() + ".log"),
              () -> {
                programs.requireAlive();
                return readText(portFile);
              });
      agents.put(
          "edge-" + board.name(),
          new AgentClient(http, URI.create("http://127.0.0.1:" + port), MODEL));
    }
  }

  /** Inference clients by device id, in board order. */
  Map<String, AgentClient> agents() {
    return Map.copyOf(agents);
  }

  URI console() {
    return console;
  }

  /** The name of the program that is this device. */
  static String program(String device) {
    return device.replaceFirst("^edge-", "agent-");
  }

  static String modelName() {
    return MODEL;
  }

  private Optional<JsonNode> readJson(Path file) {
    return readText(file)
        .flatMap(
            text -> {
              try {
                return Optional.of(json.readTree(text));
              } catch (IOException e) {
                return Optional.empty();
              }
            });
  }

  private static Optional<String> readText(Path file) {
    try {
      String text = Files.readString(file, StandardCharsets.UTF_8).strip();
      return text.isEmpty() ? Optional.empty() : Optional.of(text);
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
