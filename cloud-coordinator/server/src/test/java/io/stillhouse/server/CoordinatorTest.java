package io.stillhouse.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.config.CoordinatorConfig;
import io.stillhouse.server.failure.CoordinatorException;
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

/** A whole coordinator, embedded broker and database included. */
@Timeout(180)
class CoordinatorTest {
  private static final Chance CHANCE =
      new Chance(InstantSource.system(), System::nanoTime, new SecureRandom());

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @Test
  void it_serves_stops_and_comes_back_at_the_same_addresses_with_the_same_record()
      throws Exception {
    JsonNode before;
    try (Coordinator coordinator = Coordinator.start(config("free"), data(), CHANCE)) {
      before = endpoints();
      assertThat(get(before, "/healthz").statusCode()).isEqualTo(200);
      assertThat(get(before, "/metrics").body())
          .contains("stillhouse_telemetry_lost_records", "kafka_stream", "vertx_", "jvm_");
      assertThat(post(before, "/api/v1/device-tokens", "{}").statusCode()).isEqualTo(200);
      assertThat(get(before, "/api/v1/rollouts").body()).isEqualTo("{\"rollouts\":[]}");
      assertThat(coordinator.endpointLines()).anyMatch(l -> l.contains(before(before, "grpc")));
      assertThatThrownBy(() -> Coordinator.start(config("free"), data(), CHANCE))
          .isInstanceOf(CoordinatorException.class)
          .hasMessageContaining("another coordinator runs on it");
      assertThat(get(before, "/healthz").statusCode()).isEqualTo(200);
    }
    try (Coordinator coordinator = Coordinator.start(config("free"), data(), CHANCE)) {
      assertThat(endpoints()).isEqualTo(before);
      assertThat(get(before, "/healthz").statusCode()).isEqualTo(200);
      assertThat(coordinator.endpointLines()).isNotEmpty();
    }
  }

  @Test
  void a_taken_port_stops_the_start_and_leaves_nothing_behind() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      for (String part : new String[] {"kafka", "grpc", "http"}) {
        assertThatThrownBy(
                () ->
                    Coordinator.start(
                        config(part + ": {port: " + taken.getLocalPort() + "}"), data(), CHANCE))
            .as(part)
            .isInstanceOf(CoordinatorException.class)
            .hasMessageContaining(part + ".port")
            .message()
            .doesNotContain("\n");
        // The directory is free again.
        DataDirectory.open(data()).close();
      }
    }
  }

  @Test
  void two_parts_cannot_share_a_port() throws Exception {
    CoordinatorConfig config = config("http: {port: 7000}\ngrpc: {port: 7000}");
    assertThatThrownBy(() -> Coordinator.start(config, data(), CHANCE))
        .hasMessageContaining("cannot use port 7000 twice");
  }

  @Test
  void an_open_coordinator_on_the_network_is_refused_before_anything_starts() throws Exception {
    CoordinatorConfig config = config("http: {host: 0.0.0.0}");
    assertThatThrownBy(() -> Coordinator.start(config, data(), CHANCE))
        .hasMessageContaining("operatorToken");
    assertThat(data()).doesNotExist();
  }

  @Test
  void a_broken_endpoints_file_is_one_line() throws Exception {
    Files.createDirectories(data());
    Files.writeString(data().resolve("endpoints.json"), "{ half");
    assertThatThrownBy(() -> Coordinator.start(config("free"), data(), CHANCE))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("it is no JSON");
  }

  private Path data() {
    return directory.resolve("data");
  }

  /** Free ports everywhere, except where {@code yaml} says otherwise. */
  private CoordinatorConfig config(String yaml) throws Exception {
    StringBuilder text = new StringBuilder();
    for (String part : new String[] {"http", "grpc", "kafka"}) {
      if (!yaml.contains(part + ":")) {
        text.append(part).append(": {port: 0}\n");
      }
    }
    if (!yaml.equals("free")) {
      text.append(yaml).append("\n");
    }
    Path file = directory.resolve("config.yaml");
    Files.writeString(file, text);
    return ConfigReader.read(file);
  }

  private static String before(JsonNode endpoints, String key) {
    return endpoints.path(key).asText();
  }

  private JsonNode endpoints() throws Exception {
    return new ObjectMapper().readTree(data().resolve("endpoints.json").toFile());
  }

  private static HttpResponse<String> get(JsonNode endpoints, String path) throws Exception {
    return send(HttpRequest.newBuilder(URI.create(endpoints.path("http").asText() + path)).GET());
  }

  private static HttpResponse<String> post(JsonNode endpoints, String path, String body)
      throws Exception {
    return send(
        HttpRequest.newBuilder(URI.create(endpoints.path("http").asText() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
