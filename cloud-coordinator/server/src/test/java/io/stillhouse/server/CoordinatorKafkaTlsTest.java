package io.stillhouse.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.Welcome;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import io.stillhouse.server.broker.EmbeddedKafka;
import io.stillhouse.server.broker.KafkaAccess;
import io.stillhouse.server.broker.Topics;
import io.stillhouse.server.config.ConfigReader;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.identity.BrokerIdentity;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeDevice;
import java.io.Writer;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Telemetry between parties that prove themselves to each other. */
@Timeout(180)
class CoordinatorKafkaTlsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final HttpClient http = HttpClient.newHttpClient();

  @Test
  void the_embedded_broker_hears_devices_by_their_certificates() throws Exception {
    try (Coordinator coordinator = start("{port: 0, security: {devices: tls}}");
        FakeDevice device = enrolled()) {
      assertThat(coordinator.endpointLines()).anyMatch(line -> line.contains("embedded, TLS"));
      assertThat(coordinator.warnings()).isEmpty();
      Welcome welcome = welcome(device);
      assertThat(welcome.hasTelemetryTls()).isTrue();
      assertThat(welcome.getTelemetryTls().getAuthoritiesPem()).isEmpty();
      String authority = Files.readString(directory.resolve("data/pki/ca.crt"));
      send(welcome, device, authority);
      Eventually.holds("telemetry is counted", () -> received() == 1);

      assertThat(call("POST", "/devices/press-7/revoke").path("revoked").asBoolean()).isTrue();
      Eventually.holds(
          "the revoked device may write no more", () -> !mayWrite(welcome, device, authority));
      try (FakeDevice other = enrolled()) {
        assertThat(mayWrite(welcome(other), other, authority)).isTrue();
      }
    }
  }

  private static boolean mayWrite(Welcome welcome, FakeDevice device, String authorityPem) {
    try {
      send(welcome, device, authorityPem);
      return true;
    } catch (Exception e) {
      assertThat(e).hasCauseInstanceOf(AuthorizationException.class);
      return false;
    }
  }

  @Test
  void a_cluster_lets_coordinator_and_devices_in_as_the_configuration_says() throws Exception {
    Pki cluster =
        Pki.open(
            directory.resolve("cluster-pki"),
            List.of(),
            InstantSource.system(),
            new SecureRandom());
    BrokerIdentity identity = cluster.broker(List.of());
    Path trust = Files.writeString(directory.resolve("trust.pem"), identity.authorityPem());
    Path client = directory.resolve("client.properties");
    try (EmbeddedKafka broker =
        EmbeddedKafka.start(
            directory.resolve("cluster"),
            new EmbeddedKafka.Listen("127.0.0.1", "127.0.0.1", freePort(), freePort()),
            Optional.of(identity))) {
      Topics.ensureForDevices(broker.access());
      write(client, broker.access());
      try (Coordinator coordinator =
              start(
                  "{embedded: false, bootstrap: '%s', security: {devices: tls, deviceTrust: '%s', client: '%s'}}"
                      .formatted(broker.bootstrap(), trust, client));
          FakeDevice device = enrolled()) {
        assertThat(coordinator.endpointLines()).anyMatch(line -> line.contains("(Kafka, TLS)"));
        Welcome welcome = welcome(device);
        assertThat(welcome.getTelemetryTls().getAuthoritiesPem())
            .isEqualTo(identity.authorityPem());
        // This cluster knows its own devices only; what it lets in is not ours to say.
        assertThatThrownBy(
                () -> send(welcome, device, welcome.getTelemetryTls().getAuthoritiesPem()))
            .hasStackTraceContaining("SSL");
        send(broker.access(), device.id());
        Eventually.holds("telemetry is counted", () -> received() == 1);
      }
    }
  }

  @Test
  void what_cannot_be_used_is_one_line() throws Exception {
    Path empty = Files.writeString(directory.resolve("empty.pem"), "nothing\n");
    Path wrong = Files.writeString(directory.resolve("wrong.properties"), "acks=0\n");
    Path latin = Files.write(directory.resolve("latin.properties"), new byte[] {'#', (byte) 0xe4});
    assertRefused("{embedded: false, bootstrap: 'k:1', security: {client: '%s'}}", wrong, "acks");
    assertRefused(
        "{embedded: false, bootstrap: 'k:1', security: {client: '%s'}}",
        directory.resolve("none"), "no such file");
    assertRefused(
        "{embedded: false, bootstrap: 'k:1', security: {client: '%s'}}", latin, "no UTF-8 text");
    assertRefused("{port: 0, security: {client: '%s'}}", wrong, "kafka.embedded");
    assertRefused("{port: 0, security: {devices: '%s'}}", Path.of("ssl"), "auto, tls or plaintext");
    assertRefused(
        "{embedded: false, bootstrap: 'k:1', security: {deviceTrust: '%s'}}", empty, "tls");
  }

  private void assertRefused(String kafka, Path file, String why) {
    assertThatThrownBy(() -> start(kafka.formatted(file)).close())
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining(why);
  }

  private static void write(Path file, KafkaAccess access) throws Exception {
    Properties properties = new Properties();
    properties.putAll(access.security());
    try (Writer out = Files.newBufferedWriter(file)) {
      properties.store(out, "");
    }
  }

  private Coordinator start(String kafka) throws Exception {
    Path file = directory.resolve("config.yaml");
    Files.writeString(
        file,
        "http: {port: 0}\ngrpc: {port: 0, heartbeatSeconds: 1}\nkafka: %s\n".formatted(kafka));
    return Coordinator.start(
        ConfigReader.read(file),
        directory.resolve("data"),
        new Chance(InstantSource.system(), System::nanoTime, new SecureRandom()));
  }

  private FakeDevice enrolled() throws Exception {
    String address = endpoint("grpc");
    int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    return new FakeDevice(port)
        .enrol(call("POST", "/device-tokens").path("token").asText(), "press-7")
        .connect();
  }

  private static Welcome welcome(FakeDevice device) {
    Eventually.holds(
        "the device is welcomed",
        () -> device.received().stream().anyMatch(CoordinatorMessage::hasWelcome));
    return device.received().stream()
        .filter(CoordinatorMessage::hasWelcome)
        .findFirst()
        .orElseThrow()
        .getWelcome();
  }

  private static void send(Welcome welcome, FakeDevice device, String authorityPem)
      throws Exception {
    send(
        new KafkaAccess(welcome.getTelemetryBootstrap(), device.kafkaSecurity(authorityPem)),
        device.id());
  }

  private static void send(KafkaAccess access, String device) throws Exception {
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            access.settings(Map.of("acks", "all", "max.block.ms", "10000")),
            new StringSerializer(),
            new ByteArraySerializer())) {
      byte[] window =
          TelemetryWindow.newBuilder()
              .setDeviceId(device)
              .setSpoolId("spool-1")
              .setSeq(1)
              .setHardwareClass("x86_64-avx2-t1")
              .setInferences(10)
              .build()
              .toByteArray();
      producer.send(new ProducerRecord<>(Topics.TELEMETRY, device, window)).get();
    }
  }

  private long received() {
    try {
      return call("GET", "/telemetry").path("received").asLong();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private String endpoint(String name) throws Exception {
    return JSON.readTree(directory.resolve("data/endpoints.json").toFile()).path(name).asText();
  }

  private JsonNode call(String method, String path) throws Exception {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create(endpoint("http") + "/api/v1" + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
