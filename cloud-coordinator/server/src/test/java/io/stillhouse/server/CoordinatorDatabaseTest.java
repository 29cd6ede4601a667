package io.stillhouse.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeDevice;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole coordinator whose PostgreSQL, a process of its own, stops and starts again. */
@Timeout(300)
class CoordinatorDatabaseTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final HttpClient http = HttpClient.newHttpClient();
  private JsonNode endpoints = JSON.createObjectNode();

  @Test
  void a_database_that_is_away_is_told_and_when_it_is_back_everything_goes_on() throws Exception {
    int port = freePort();
    EmbeddedPostgres postgres = postgres(port);
    try (Coordinator coordinator = start(postgres)) {
      assertThat(coordinator.endpointLines()).isNotEmpty();
      String token = json("POST", "/api/v1/device-tokens").path("token").asText();
      String unused = json("POST", "/api/v1/device-tokens").path("token").asText();
      try (FakeDevice device = new FakeDevice(devicesPort()).enrol(token, "press-7").connect()) {
        Eventually.holds("the device is online", () -> online("press-7"));
        assertThat(send("GET", "/healthz").statusCode()).isEqualTo(200);

        postgres.close();
        Eventually.holds(
            "what needs the database is known to be down",
            () -> !part("database") && !part("rollouts") && !part("lab"));
        assertThat(send("GET", "/healthz").statusCode()).isEqualTo(503);
        assertThat(part("broker")).as("what does not need it still serves").isTrue();
        HttpResponse<String> refused = send("GET", "/api/v1/devices");
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(503);
        assertThat(refused.body()).contains("the database does not answer");

        postgres = postgres(port);
        Eventually.holds("all parts are well again", () -> status("/healthz") == 200);
        assertThat(json("GET", "/api/v1/devices").path("devices")).hasSize(1);
        device.connect();
        Eventually.holds("the device is online again", () -> online("press-7"));
      }
      try (FakeDevice other = new FakeDevice(devicesPort()).enrol(unused, "press-8")) {
        assertThat(other.id()).as("a token from before still counts").isEqualTo("press-8");
      }
    } finally {
      postgres.close();
    }
  }

  private EmbeddedPostgres postgres(int port) throws IOException {
    return EmbeddedPostgres.builder()
        .setPort(port)
        .setDataDirectory(directory.resolve("postgres"))
        .setCleanDataDirectory(false)
        .start();
  }

  private Coordinator start(EmbeddedPostgres postgres) throws Exception {
    Path file = directory.resolve("config.yaml");
    Files.writeString(
        file,
        """
        http: {port: 0}
        grpc: {port: 0, heartbeatSeconds: 1}
        kafka: {port: 0}
        database: {url: "%s", user: postgres}
        """
            .formatted(postgres.getJdbcUrl("postgres", "postgres")));
    Coordinator coordinator =
        Coordinator.start(
            ConfigReader.read(file),
            directory.resolve("data"),
            new Chance(InstantSource.system(), System::nanoTime, new SecureRandom()));
    endpoints = JSON.readTree(directory.resolve("data").resolve("endpoints.json").toFile());
    return coordinator;
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private int devicesPort() {
    String address = endpoints.path("grpc").asText();
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }

  private boolean part(String name) {
    return body(send("GET", "/healthz")).path("parts").path(name).asBoolean();
  }

  private boolean online(String device) {
    return body(send("GET", "/api/v1/devices/" + device))
        .path("device")
        .path("liveness")
        .asText()
        .equals("ONLINE");
  }

  private int status(String path) {
    return send("GET", path).statusCode();
  }

  private JsonNode json(String method, String path) {
    HttpResponse<String> answer = send(method, path);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return body(answer);
  }

  private static JsonNode body(HttpResponse<String> answer) {
    try {
      return JSON.readTree(answer.body());
    } catch (IOException e) {
      throw new AssertionError(answer.body(), e);
    }
  }

  private HttpResponse<String> send(String method, String path) {
    try {
      return http.send(
          HttpRequest.newBuilder(URI.create(endpoints.path("http").asText() + path))
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(method + " " + path, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
