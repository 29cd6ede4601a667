package io.stillhouse.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.server.config.CoordinatorConfig;
import io.stillhouse.server.config.ListenPort;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Where a coordinator serves. A port that is configured as 0 is a free one the first time and the
 * same one ever after: devices and agents remember addresses, so they are kept in {@code
 * endpoints.json} of the data directory.
 *
 * @param kafkaPort 0 when the broker is not ours
 * @param controllerPort of the embedded broker's talk with itself; 0 when it is not ours
 */
record Endpoints(int httpPort, int grpcPort, int kafkaPort, int controllerPort) {
  static final String FILE = "endpoints.json";
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * Decides every port, configured, else remembered, else free, and finds out whether it can be
   * had, before anything is started or written.
   */
  static Endpoints resolve(CoordinatorConfig config, Path directory) {
    Endpoints endpoints = decide(config, directory);
    requireFree("http", config.http().host(), endpoints.httpPort);
    requireFree("grpc", config.grpc().host(), endpoints.grpcPort);
    if (config.kafka().embedded()) {
      requireFree("kafka", config.kafka().host(), endpoints.kafkaPort);
    }
    return endpoints;
  }

  private static void requireFree(String part, String host, int port) {
    try {
      ListenPort.requireFree(host, port);
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot listen on %s:%d (%s)".formatted(host, port, part),
          String.valueOf(e.getMessage()),
          "stop what uses the port, or choose another %s.port or %s.host".formatted(part, part),
          e);
    }
  }

  private static Endpoints decide(CoordinatorConfig config, Path directory) {
    JsonNode remembered = read(directory.resolve(FILE));
    boolean embedded = config.kafka().embedded();
    Ports ports = new Ports();
    // Fixed ones first, then remembered ones, so that no free one collides with them.
    int http = ports.fixed(config.http().port());
    int grpc = ports.fixed(config.grpc().port());
    int kafka = embedded ? ports.fixed(config.kafka().port()) : 0;
    http = ports.remembered(http, remembered.path("http").asText());
    grpc = ports.remembered(grpc, remembered.path("grpc").asText());
    if (!embedded) {
      return new Endpoints(ports.orFree(http), ports.orFree(grpc), 0, 0);
    }
    kafka = ports.remembered(kafka, own(remembered, "kafka"));
    int controller = ports.remembered(0, own(remembered, "kafkaController"));
    return new Endpoints(
        ports.orFree(http), ports.orFree(grpc), ports.orFree(kafka), ports.orFree(controller));
  }

  private static String own(JsonNode remembered, String key) {
    // Without a controller the address is that of somebody else's cluster.
    return remembered.has("kafkaController") ? remembered.path(key).asText() : "";
  }

  /** Remembers them; a reader sees the old file or the new one, never half of one. */
  void write(CoordinatorConfig config, Path directory) {
    ObjectNode file = JSON.createObjectNode();
    file.put("http", "http://" + dialled(config.http().host()) + ":" + httpPort);
    file.put("grpc", dialled(config.grpc().host()) + ":" + grpcPort);
    file.put("kafka", kafkaBootstrap(config));
    if (config.kafka().embedded()) {
      file.put("kafkaController", "127.0.0.1:" + controllerPort);
    }
    try {
      Path partial = directory.resolve(FILE + ".partial");
      Files.writeString(partial, file.toPrettyString() + "\n");
      Files.move(
          partial,
          directory.resolve(FILE),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot write " + directory.resolve(FILE),
          e.toString(),
          "check free space and permissions",
          e);
    }
  }

  /** What devices are told to send telemetry to. */
  String kafkaBootstrap(CoordinatorConfig config) {
    return config.kafka().embedded()
        ? advertisedKafkaHost(config.kafka()) + ":" + kafkaPort
        : config.kafka().bootstrap();
  }

  /** What an operator should know about a fleet that could never send telemetry, if it is one. */
  Optional<String> unreachableTelemetry(CoordinatorConfig config) {
    boolean reached =
        Arrays.stream(kafkaBootstrap(config).split(","))
            .anyMatch(server -> !ListenPort.loopback(server.strip().replaceFirst(":\\d+$", "")));
    boolean listens = !config.kafka().embedded() || !ListenPort.loopback(config.kafka().host());
    if (ListenPort.loopback(config.grpc().host()) || (reached && listens)) {
      return Optional.empty();
    }
    return Optional.of(
        ("warning: devices elsewhere may dial %s:%d, but Kafka %s: no telemetry will come from"
                + " them, and gates that need it stay inconclusive; set kafka.host and"
                + " kafka.advertisedHost, or kafka.bootstrap")
            .formatted(
                config.grpc().host(),
                grpcPort,
                reached
                    ? "listens on %s only".formatted(config.kafka().host())
                    : "is told to them as %s, which is each device itself"
                        .formatted(kafkaBootstrap(config))));
  }

  /** What an operator should know about telemetry that any neighbour could read and write. */
  Optional<String> openTelemetry(CoordinatorConfig config) {
    CoordinatorConfig.Kafka kafka = config.kafka();
    if (!kafka.embedded() || kafka.devicesUseTls() || ListenPort.loopback(kafka.host())) {
      return Optional.empty();
    }
    return Optional.of(
        ("warning: whoever reaches %s:%d may read and write all telemetry, by which rollouts are"
                + " judged; leave kafka.security.devices on auto for TLS with the devices'"
                + " certificates")
            .formatted(kafka.host(), kafkaPort));
  }

  static String advertisedKafkaHost(CoordinatorConfig.Kafka kafka) {
    return kafka.advertisedHost().isEmpty() ? dialled(kafka.host()) : kafka.advertisedHost();
  }

  /** An address that can be dialled from this machine, for one that is bound. */
  private static String dialled(String host) {
    return host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      return JSON.createObjectNode();
    } catch (JsonProcessingException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot read " + file,
          "it is no JSON",
          "delete it; free ports will be new ones then",
          e);
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE, "cannot read " + file, e.toString(), "make it readable", e);
    }
  }

  /** Ports that are taken already, by configuration or by each other. */
  private static final class Ports {
    private static final int TRIES_MAX = 100;
    private static final int PORT_MAX = 65_535;
    private final Set<Integer> taken = new HashSet<>();

    int fixed(int configured) {
      if (configured != 0 && !taken.add(configured)) {
        throw new CoordinatorException(
            ErrorCategory.INVALID,
            "cannot use port " + configured + " twice",
            "http, grpc and kafka need one each",
            "configure different ports, or 0 for free ones");
      }
      return configured;
    }

    int remembered(int fixed, String address) {
      if (fixed != 0 || !address.matches(".*:[1-9]\\d{0,4}")) {
        return fixed;
      }
      int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      return port <= PORT_MAX && taken.add(port) ? port : 0;
    }

    int orFree(int port) {
      for (int i = 0; port == 0 && i < TRIES_MAX; i++) {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
          if (taken.add(socket.getLocalPort())) {
            return socket.getLocalPort();
          }
        } catch (IOException e) {
          throw new CoordinatorException(
              ErrorCategory.UNAVAILABLE,
              "cannot find a free port",
              e.toString(),
              "configure the ports",
              e);
        }
      }
      return port;
    }
  }
}
