package io.stillhouse.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import io.stillhouse.server.broker.Topics;
import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeDevice;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A device that enrols, connects and sends telemetry, seen through the operators' API. */
@Timeout(180)
class CoordinatorFleetTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final HttpClient http = HttpClient.newHttpClient();
  private JsonNode endpoints = JSON.createObjectNode();

  @Test
  void a_device_is_enrolled_heard_and_counted_across_a_restart() throws Exception {
    String device;
    try (Coordinator coordinator = start()) {
      assertThat(coordinator.endpointLines()).isNotEmpty();
      String token = call("POST", "/device-tokens").path("token").asText();
      String address = endpoints.path("grpc").asText();
      int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      try (FakeDevice fake = new FakeDevice(port).enrol(token, "press-7").connect()) {
        assertThat(fake).isNotNull();
        Eventually.holds(
            "the device is online",
            () ->
                get("/devices").path("devices").path(0).path("liveness").asText().equals("ONLINE"));
        device = get("/devices").path("devices").path(0).path("id").asText();
        assertThat(get("/devices/press-7").path("device").path("id").asText()).isEqualTo(device);
        // Number 2 is missing, number 3 comes twice.
        send(device, 1, 3, 3, 4);
        Eventually.holds(
            "telemetry is counted", () -> get("/telemetry").path("received").asLong() == 3);
        JsonNode telemetry = get("/telemetry");
        assertThat(telemetry.path("sent").asLong()).isEqualTo(4);
        assertThat(telemetry.path("lost").asLong()).isEqualTo(1);
        assertThat(telemetry.path("duplicates").asLong()).isEqualTo(1);
        Eventually.holds(
            "health is summed",
            () -> get("/fleet-health").path("health").path(0).path("inferences").asLong() == 30);
        assertThat(get("/fleet-health").path("health").path(0).path("accuracy").asDouble())
            .isEqualTo(0.75);
      }
    }
    try (Coordinator coordinator = start()) {
      assertThat(coordinator.endpointLines()).isNotEmpty();
      assertThat(get("/devices").path("devices").path(0).path("id").asText()).isEqualTo(device);
      assertThat(get("/telemetry").path("received").asLong()).isEqualTo(3);
      send(device, 2);
      Eventually.holds(
          "the missing record is no longer lost",
          () -> get("/telemetry").path("received").asLong() == 4);
      assertThat(get("/telemetry").path("lost").asLong()).isZero();
    }
  }

  private Coordinator start() throws Exception {
    Path file = directory.resolve("config.yaml");
    Files.writeString(
        file,
        """
        http: {port: 0}
        grpc: {port: 0, heartbeatSeconds: 1}
        kafka: {port: 0}
        """);
    Coordinator coordinator =
        Coordinator.start(
            ConfigReader.read(file),
            directory.resolve("data"),
            new Chance(InstantSource.system(), System::nanoTime, new SecureRandom()));
    endpoints = JSON.readTree(directory.resolve("data").resolve("endpoints.json").toFile());
    return coordinator;
  }

  private void send(String device, long... numbers) throws Exception {
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", endpoints.path("kafka").asText(), "acks", "all"),
            new StringSerializer(),
            new ByteArraySerializer())) {
      for (long number : numbers) {
        byte[] window =
            TelemetryWindow.newBuilder()
                .setDeviceId(device)
                .setSpoolId("spool-1")
                .setSeq(number)
                .setHardwareClass("x86_64-avx2-t1")
                .setInferences(10)
                .setConfidenceSum(9)
                .setFeedbackCount(4)
                .setFeedbackCorrect(3)
                .build()
                .toByteArray();
        producer.send(new ProducerRecord<>(Topics.TELEMETRY, device, window)).get();
      }
    }
  }

  private JsonNode get(String path) {
    try {
      return call("GET", path);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private JsonNode call(String method, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoints.path("http").asText() + "/api/v1" + path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }
}
