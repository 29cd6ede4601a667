package io.stillhouse.server.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.metrics.CoordinatorMetrics;
import io.stillhouse.server.remote.LocalLab;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.testing.FakeServices;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real server on a free port, before services that answer from memory. */
@Timeout(60)
class OperatorServerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TOKEN = "0123456789abcdef";

  private final HttpClient http = HttpClient.newHttpClient();
  private final Vertx vertx = Vertx.vertx();
  private final FakeServices fakes = new FakeServices();
  private final AtomicBoolean broker = new AtomicBoolean(true);
  private final AtomicBoolean database = new AtomicBoolean(true);
  private final CoordinatorMetrics metrics = new CoordinatorMetrics();
  private final List<OperatorServer> servers = new ArrayList<>();

  @SuppressWarnings("NullAway.Init")
  private OperatorServer server;

  @BeforeEach
  void open() {
    server = serve("");
    metrics.watch(fakes.devices, fakes.rollouts, fakes.jobs, database::get);
    metrics.watch(new FleetHealth());
  }

  @AfterEach
  void close() throws Exception {
    servers.forEach(OperatorServer::close);
    vertx.close().toCompletionStage().toCompletableFuture().get();
    metrics.close();
  }

  private OperatorServer serve(String token) {
    OperatorServer started =
        OperatorServer.start(
            vertx,
            new OperatorSettings("127.0.0.1", 0, List.of("console.example"), token),
            services(),
            new Probes(() -> Map.of("broker", broker.get(), "database", true), metrics::scrape));
    servers.add(started);
    return started;
  }

  @Test
  void every_route_answers_json_or_says_what_is_missing() throws Exception {
    for (Route route : OperatorApi.routes(services())) {
      String path =
          OperatorApi.BASE
              + route
                  .path()
                  .replace("{device}", "press-7")
                  .replace("{model}", "inspect")
                  .replace("{version}", "1")
                  .replace("{job}", "7")
                  .replace("{rollout}", "ro-1");
      String body =
          switch (route.path()) {
            case "/models" -> "{\"name\": \"inspect\", \"data\": \"builtin:x\"}";
            case "/rollouts", "/rollouts/plan" -> "{\"model\": \"inspect\", \"version\": 1}";
            case "/devices/{device}/labels" -> "{\"labels\": {\"hall\": \"3\"}}";
            default -> "";
          };
      HttpResponse<String> answer =
          send(route.method(), path, route.method().equals("GET") ? "" : body);
      assertThat(answer.statusCode()).as(route.method() + " " + path).isEqualTo(200);
      assertThat(JSON.readTree(answer.body()).isObject()).isTrue();
    }
    assertThat(fakes.calls).contains("label press-7 {hall=3}", "abort ro-1", "harm inspect@1");
  }

  @Test
  void the_description_names_exactly_the_routes_and_the_records() throws Exception {
    JsonNode described = JSON.readTree(send("GET", "/openapi.json", "").body());
    List<String> expected = new ArrayList<>();
    for (Route route : OperatorApi.routes(services())) {
      expected.add(route.method() + " " + OperatorApi.BASE + route.path());
    }
    expected.addAll(List.of("GET /healthz", "GET /openapi.json", "GET /metrics"));
    List<String> actual = new ArrayList<>();
    described
        .path("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .fieldNames()
                    .forEachRemaining(
                        method ->
                            actual.add(
                                method.toUpperCase(java.util.Locale.ROOT) + " " + path.getKey())));
    assertThat(actual).containsExactlyInAnyOrderElementsOf(expected);
    Map<String, Class<?>> records = new TreeMap<>();
    for (Class<?> owner :
        List.of(
            io.stillhouse.server.service.DeviceDirectory.class,
            io.stillhouse.server.service.ModelService.class,
            io.stillhouse.server.service.JobService.class,
            io.stillhouse.server.service.RolloutService.class,
            OperatorApi.class)) {
      for (Class<?> inner : owner.getDeclaredClasses()) {
        if (inner.isRecord()
            && inner != OperatorApi.Nothing.class
            && inner != OperatorApi.Labels.class) {
          records.put(inner.getSimpleName(), inner);
        }
      }
    }
    JsonNode schemas = described.path("components").path("schemas");
    List<String> names = new ArrayList<>();
    schemas.fieldNames().forEachRemaining(names::add);
    names.remove("Error");
    assertThat(names).containsExactlyInAnyOrderElementsOf(records.keySet());
    records.forEach(
        (name, type) -> {
          List<String> properties = new ArrayList<>();
          schemas.path(name).path("properties").fieldNames().forEachRemaining(properties::add);
          List<String> components = new ArrayList<>();
          for (var component : type.getRecordComponents()) {
            components.add(component.getName());
          }
          assertThat(properties).as(name).containsExactlyElementsOf(components);
        });
  }

  @Test
  void failures_have_one_form_and_the_status_of_their_category() throws Exception {
    assertError(send("GET", "/api/v1/devices/nobody", ""), 404, "cannot find device nobody");
    assertError(send("GET", "/api/v1/nothing", ""), 404, "GET /api/v1/nothing");
    assertError(send("GET", "/nothing", ""), 404, "GET /nothing");
    assertError(send("DELETE", "/api/v1/devices", ""), 405, "DELETE");
    assertError(send("GET", "/api/v1/models/inspect/versions/zero/variants", ""), 400, "version");
    assertError(send("GET", "/api/v1/models/inspect/versions/0/variants", ""), 400, "version");
    assertError(send("GET", "/api/v1/audit?limit=many", ""), 400, "limit");
    assertError(send("GET", "/api/v1/audit?limit=0", ""), 400, "limit");
    assertError(send("GET", "/api/v1/devices/" + "x".repeat(201), ""), 400, "device");
    fakes.defect = java.util.Optional.of(new IllegalStateException("secret detail"));
    HttpResponse<String> defect = send("GET", "/api/v1/devices", "");
    assertError(defect, 500, "GET /api/v1/devices");
    assertThat(defect.body()).doesNotContain("secret detail");
  }

  @Test
  void hostile_bodies_are_refused_and_the_server_lives() throws Exception {
    for (String body :
        List.of(
            "{",
            "[]",
            "null",
            "\"text\"",
            "{\"model\": \"inspect\", \"version\": 1} trailing",
            "{\"model\": \"inspect\", \"version\": 1, \"wave\": [10]}",
            "{\"model\": \"inspect\", \"version\": \"one\"}",
            "{\"model\": [[[]]], \"version\": 1}",
            "{\"model\": \"inspect\", \"version\": 1e999}",
            "[".repeat(100_000),
            "{\"a\":".repeat(20_000))) {
      HttpResponse<String> answer = send("POST", "/api/v1/rollouts", body);
      assertThat(answer.statusCode())
          .as(body.substring(0, Math.min(60, body.length())))
          .isEqualTo(400);
      assertThat(JSON.readTree(answer.body()).path("error").path("what").asText()).isNotEmpty();
    }
    assertError(
        send("POST", "/api/v1/rollouts", " ".repeat(OperatorServer.BODY_BYTES_MAX + 1)),
        413,
        "/rollouts");
    assertError(send("POST", "/api/v1/rollouts", "{\"modle\": 1}"), 400, "request body");
    Random random = new Random(5);
    for (int i = 0; i < 50; i++) {
      byte[] noise = new byte[random.nextInt(400)];
      random.nextBytes(noise);
      assertThat(raw(noise).length()).isGreaterThanOrEqualTo(0);
    }
    assertThat(send("GET", "/api/v1/devices", "").statusCode()).isEqualTo(200);
    assertThat(fakes.calls).isEmpty();
  }

  @Test
  void pages_of_other_origins_cannot_change_anything() throws Exception {
    HttpRequest.Builder pause = request("POST", "/api/v1/rollouts/ro-1/pause", "");
    assertError(send(pause.header("Origin", "http://evil.example")), 403, "another page");
    assertError(
        send(request("POST", "/api/v1/rollouts/ro-1/pause", "").header("Origin", "null")),
        403,
        "another page");
    assertError(
        send(
            request("POST", "/api/v1/rollouts/ro-1/pause", "")
                .header("Sec-Fetch-Site", "cross-site")),
        403,
        "another page");
    assertError(
        send(
            request("POST", "/api/v1/rollouts", "{\"model\": \"inspect\", \"version\": 1}")
                .setHeader("Content-Type", "text/plain")),
        415,
        "/rollouts");
    assertThat(fakes.calls).isEmpty();
    HttpResponse<String> own =
        send(
            request("POST", "/api/v1/rollouts/ro-1/pause", "")
                .header("Origin", "http://127.0.0.1:" + server.port()));
    assertThat(own.statusCode()).isEqualTo(200);
    assertThat(fakes.calls).containsExactly("pause ro-1");
  }

  @Test
  void a_foreign_host_name_is_refused_even_for_reading() throws Exception {
    assertThat(raw(get("/api/v1/devices", "evil.example"))).startsWith("HTTP/1.1 403");
    assertThat(raw(get("/api/v1/devices", "localhost:" + server.port())))
        .startsWith("HTTP/1.1 200");
    assertThat(raw(get("/api/v1/devices", "console.example"))).startsWith("HTTP/1.1 200");
    assertThat(raw(get("/api/v1/devices", "[::1]"))).startsWith("HTTP/1.1 200");
    assertThat(raw("GET /api/v1/devices HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)))
        .doesNotStartWith("HTTP/1.0 200");
  }

  @Test
  void a_token_is_wanted_where_one_is_set() throws Exception {
    server = serve(TOKEN);
    assertError(send("GET", "/api/v1/devices", ""), 401, "who you are");
    assertError(send("GET", "/metrics", ""), 401, "who you are");
    assertError(
        send(request("GET", "/api/v1/devices", "").header("Authorization", "Bearer wrong")),
        401,
        "who you are");
    assertThat(
            send(request("GET", "/api/v1/devices", "").header("Authorization", "Bearer " + TOKEN))
                .statusCode())
        .isEqualTo(200);
    for (String open :
        List.of("/", "/healthz", "/openapi.json", "/console/console.js", "/console/console.css")) {
      assertThat(send("GET", open, "").statusCode()).as(open).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/console/../api/v1/devices",
        "/console/%2e%2e/api/v1/devices",
        "/console/%2E./metrics",
        "/console/console.js/../../metrics",
        "/healthz/../api/v1/devices",
        "//api/v1/devices"
      })
  void no_spelling_of_a_path_gets_around_the_token(String path) throws Exception {
    server = serve(TOKEN);
    assertThat(raw(get(path, "localhost"))).startsWith("HTTP/1.1 401");
  }

  @Test
  void an_open_server_stays_on_loopback() {
    assertThatThrownBy(() -> new OperatorSettings("0.0.0.0", 8080, List.of(), ""))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("operatorToken");
    assertThatThrownBy(() -> new OperatorSettings("127.0.0.1.evil.example", 8080, List.of(), ""))
        .isInstanceOf(CoordinatorException.class);
    assertThat(new OperatorSettings("0.0.0.0", 8080, List.of(), TOKEN).toString())
        .doesNotContain(TOKEN);
  }

  @Test
  void a_taken_port_is_one_line() {
    assertThatThrownBy(
            () ->
                OperatorServer.start(
                    vertx,
                    new OperatorSettings("127.0.0.1", server.port(), List.of(), ""),
                    services(),
                    new Probes(Map::of, () -> "")))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("http.port");
  }

  @Test
  void health_follows_its_parts() throws Exception {
    assertThat(send("GET", "/healthz", "").statusCode()).isEqualTo(200);
    broker.set(false);
    HttpResponse<String> down = send("GET", "/healthz", "");
    assertThat(down.statusCode()).isEqualTo(503);
    assertThat(JSON.readTree(down.body()).path("parts").path("broker").asBoolean(true)).isFalse();
  }

  @Test
  void metrics_count_devices_rollouts_and_jobs() throws Exception {
    metrics.telemetryRefused("numbers");
    // What nobody but the meters refers to would read NaN after a collection.
    System.gc();
    String text = send("GET", "/metrics", "").body();
    assertThat(text)
        .contains("stillhouse_devices{liveness=\"ONLINE\"} 1")
        .contains("stillhouse_rollouts{status=\"RUNNING\"} 1")
        .contains("stillhouse_rollout_waves{verdict=\"PENDING\"} 1")
        .contains("stillhouse_jobs{state=\"SUCCEEDED\"} 1")
        .contains("stillhouse_telemetry_records_total{outcome=\"received\"} 0")
        .contains("stillhouse_telemetry_lost_records 0")
        .contains("stillhouse_telemetry_refused_total{reason=\"numbers\"} 1")
        .contains("jvm_memory_used_bytes");
  }

  @Test
  void meters_do_not_wait_for_a_database_that_is_away() throws Exception {
    database.set(false);
    String text = send("GET", "/metrics", "").body();
    assertThat(text).contains("jvm_memory_used_bytes").doesNotContain("stillhouse_devices{");
    database.set(true);
    assertThat(send("GET", "/metrics", "").body()).contains("stillhouse_devices{");
  }

  @Test
  void the_console_fetches_nothing_from_elsewhere() throws Exception {
    for (String path : List.of("/", "/console/console.js", "/console/console.css")) {
      HttpResponse<String> page = send("GET", path, "");
      assertThat(page.body()).doesNotContain("http://").doesNotContain("https://");
      assertThat(page.headers().firstValue("Content-Security-Policy").orElse(""))
          .contains("default-src 'none'");
    }
  }

  private OperatorServices services() {
    return new OperatorServices(
        fakes.devices,
        fakes.models,
        new OperatorServices.Lab(fakes.jobs, new LocalLab()),
        fakes.rollouts,
        new FleetHealth());
  }

  private static void assertError(HttpResponse<String> answer, int status, String what)
      throws IOException {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonNode error = JSON.readTree(answer.body()).path("error");
    assertThat(error.path("what").asText()).contains(what);
    assertThat(error.path("why").asText()).isNotEmpty();
    assertThat(error.path("fix").asText()).isNotEmpty();
  }

  private HttpRequest.Builder request(String method, String path, String body) {
    HttpRequest.BodyPublisher publisher =
        body.isEmpty()
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(body);
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .header("Content-Type", "application/json")
        .method(method, publisher);
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return send(request(method, path, body));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static byte[] get(String path, String host) {
    return ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private String raw(byte[] bytes) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(10_000);
      OutputStream out = socket.getOutputStream();
      out.write(bytes);
      out.flush();
      if (bytes.length == 0 || bytes[0] != 'G') {
        // Noise would be waited on for more; a request ends by itself.
        socket.shutdownOutput();
      }
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (java.net.SocketException e) {
      // Closed on us before we were done: that is an answer, too.
      return "";
    }
  }
}
