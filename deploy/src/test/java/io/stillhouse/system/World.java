package io.stillhouse.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.drive.AgentClient;
import io.stillhouse.drive.CoordinatorClient;
import io.stillhouse.drive.Programs;
import io.stillhouse.drive.TestImages;
import io.stillhouse.drive.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A coordinator and its agents as processes below one directory. Everything is killed when this is
 * closed; the directory stays, with the logs.
 */
final class World implements AutoCloseable {
  /** Far above what is normal on a busy machine; it only ends a hang. */
  static final Duration PATIENCE = Duration.ofMinutes(2);

  static final String MODEL = "inspect";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path root;
  private final Programs programs;
  private final Waiting waiting = new Waiting(System::nanoTime);
  private final HttpClient http = HttpClient.newHttpClient();
  private String kafka = "{embedded: true, port: 0}";
  private Programs.@Nullable Running coordinator;

  private World(Path root) {
    this.root = root;
    try {
      this.programs = new Programs(Checkout.LAUNCHERS, root.resolve("logs"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A world in which nothing has happened yet. */
  static World empty(String name) {
    return new World(Checkout.fresh(name));
  }

  /** A world that continues from a copy of another one, whose processes have stopped. */
  static World continuing(Path snapshot, String name) {
    Path root = Checkout.fresh(name);
    for (Path part : entries(snapshot)) {
      if (!part.endsWith("logs")) {
        Checkout.copy(part, root.resolve(part.getFileName()));
      }
    }
    return new World(root);
  }

  Path root() {
    return root;
  }

  Programs programs() {
    return programs;
  }

  /** Has the coordinator use a broker that is not its own. */
  World withBroker(String bootstrap) {
    kafka = "{embedded: false, bootstrap: '%s'}".formatted(bootstrap);
    return this;
  }

  /** Has devices show the coordinator's own broker their certificates. */
  World withTelemetryTls() {
    kafka = "{embedded: true, port: 0, security: {devices: tls}}";
    return this;
  }

  /** Starts the coordinator and waits until everything in it serves. */
  void startCoordinator() {
    try {
      Files.writeString(
          root.resolve("coordinator.yaml"),
          """
          http: {host: 127.0.0.1, port: 0}
          grpc: {host: 127.0.0.1, port: 0, heartbeatSeconds: 1}
          kafka: %s
          """
              .formatted(kafka));
      Path data = Files.createDirectories(root.resolve("coordinator"));
      coordinator =
          programs.start(
              "coordinator",
              "stillhouse",
              List.of(
                  "serve",
                  "--config",
                  root.resolve("coordinator.yaml").toString(),
                  "--data-dir",
                  data.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    await("the coordinator serves", () -> endpoints().isPresent() && api().healthy());
  }

  void killCoordinator() {
    programs.kill(running(coordinator));
    coordinator = null;
  }

  void stopCoordinator() {
    programs.stop(running(coordinator));
    coordinator = null;
  }

  /** The operators' API. */
  CoordinatorClient api() {
    return new CoordinatorClient(http, URI.create(endpoint("http")));
  }

  /** An address of the coordinator: http, grpc, kafka. */
  String endpoint(String name) {
    return endpoints().orElseThrow().path(name).asText();
  }

  private Optional<JsonNode> endpoints() {
    return json(root.resolve("coordinator").resolve("endpoints.json"));
  }

  /** An agent of this world, enrolled or not. */
  AgentProcess agent(String name) {
    return new AgentProcess(this, name);
  }

  AgentClient inference(int port) {
    return new AgentClient(http, URI.create("http://127.0.0.1:" + port), MODEL);
  }

  /** Waits for the agents to be online with the coordinator. */
  void awaitOnline(int agents) {
    await(
        agents + " agents are online",
        () -> {
          int online = 0;
          for (JsonNode device : devices()) {
            online += "ONLINE".equals(device.path("liveness").asText()) ? 1 : 0;
          }
          return online >= agents;
        });
  }

  JsonNode devices() {
    return api().get("/devices").path("devices");
  }

  JsonNode device(String name) {
    return api().get("/devices/" + name).path("device");
  }

  /** Telemetry records that the coordinator has counted. */
  long received() {
    return api().get("/telemetry").path("received").asLong();
  }

  /** Inferences of the whole fleet, as its health sums them. */
  long inferences() {
    long sum = 0;
    for (JsonNode row : api().get("/fleet-health").path("health")) {
      sum += row.path("inferences").asLong();
    }
    return sum;
  }

  /** Runs a job to its end, which must be a success. */
  void awaitJob(JsonNode accepted) {
    String id = accepted.path("jobId").asText();
    JsonNode job =
        awaitValue(
            "job " + id + " ends",
            () -> {
              programs.requireAlive();
              JsonNode now = api().get("/jobs/" + id);
              return Set.of("SUCCEEDED", "FAILED", "CANCELLED").contains(now.path("state").asText())
                  ? Optional.of(now)
                  : Optional.empty();
            });
    if (!"SUCCEEDED".equals(job.path("state").asText())) {
      throw new AssertionError("job " + id + ": " + job);
    }
  }

  /** The digest of the only variant of a version. */
  String variant(int version) {
    JsonNode variants =
        api().get("/models/" + MODEL + "/versions/" + version + "/variants").path("variants");
    if (variants.size() != 1) {
      throw new AssertionError("variants of version " + version + ": " + variants);
    }
    return variants.path(0).path("digest").asText();
  }

  /** Starts a rollout whose gate asks for no telemetry; returns its id. */
  String rollOut(int version, List<Integer> waves, int probationSeconds) {
    return rollOut(version, waves, probationSeconds, Map.of("minInferences", 0));
  }

  String rollOut(int version, List<Integer> waves, int probationSeconds, Map<String, ?> gate) {
    return api()
        .post(
            "/rollouts",
            Map.of(
                "model", MODEL,
                "version", version,
                "waves", waves,
                "soakSeconds", 1,
                "probationSeconds", probationSeconds,
                "gate", gate))
        .path("id")
        .asText();
  }

  JsonNode rollout(String id) {
    return api().get("/rollouts/" + id);
  }

  /** Waits until a rollout ends or pauses. */
  JsonNode awaitEnd(String rollout) {
    return awaitValue(
        "rollout " + rollout + " ends",
        () -> {
          JsonNode now = rollout(rollout);
          return CoordinatorClient.ROLLOUT_ENDS.contains(now.path("status").asText())
              ? Optional.of(now)
              : Optional.empty();
        });
  }

  void await(String what, BooleanSupplier condition) {
    awaitValue(what, () -> condition.getAsBoolean() ? Optional.of(true) : Optional.empty());
  }

  <T> T awaitValue(String what, java.util.function.Supplier<Optional<T>> question) {
    return waiting.until(what, PATIENCE, "See the logs in " + root.resolve("logs"), question);
  }

  static Optional<JsonNode> json(Path file) {
    try {
      return Files.exists(file) ? Optional.of(JSON.readTree(file.toFile())) : Optional.empty();
    } catch (IOException e) {
      // It is being replaced.
      return Optional.empty();
    }
  }

  private static Programs.Running running(Programs.@Nullable Running program) {
    if (program == null) {
      throw new IllegalStateException("not started");
    }
    return program;
  }

  private static List<Path> entries(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean answers(AgentClient agent, TestImages images) {
    return agent.classify(images, 0, 4).isPresent();
  }

  @Override
  public void close() {
    programs.close();
  }
}
