package io.stillhouse.server.broker;

import io.stillhouse.server.config.ListenPort;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.BrokerIdentity;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Kafka broker inside this process: one node that is broker and KRaft controller, with its
 * log below one directory. An acknowledged record survives the death of the process; it survives a
 * power cut only once the operating system has written it, as with any Kafka.
 *
 * <p>The classes used here are Kafka's own insides and carry no promise: nothing outside this
 * package may know them, and {@code EmbeddedKafkaTest} is what tells whether a new version still
 * works.
 *
 * <p>Kafka ends its process when its disk fails. In here that would take the coordinator along, so
 * such an end is only noted: {@link #failed} turns true and the rest goes on without telemetry,
 * which gates read as "not measured", never as "healthy".
 */
public final class EmbeddedKafka implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedKafka.class);
  private static final String NODE_ID = "1";

  private final KafkaRaftServer server;
  private final KafkaAccess access;
  private volatile boolean failed;

  /**
   * Where the broker listens.
   *
   * @param host the address to bind
   * @param advertisedHost what agents are told to connect to
   * @param controllerPort loopback only; for the broker's talk with itself
   */
  public record Listen(String host, String advertisedHost, int port, int controllerPort) {
    public Listen {
      if (port < 1 || controllerPort < 1 || port == controllerPort) {
        throw new IllegalArgumentException(
            "ports: %d, %d (expected: two different free ones)".formatted(port, controllerPort));
      }
    }
  }

  private EmbeddedKafka(KafkaRaftServer server, KafkaAccess access) {
    this.server = server;
    this.access = access;
  }

  /** Starts a broker that speaks plain text with whoever reaches it. */
  public static EmbeddedKafka start(Path directory, Listen listen) {
    return start(directory, listen, Optional.empty());
  }

  /**
   * Starts the broker and returns once it serves. The same directory may be served with and without
   * TLS in turn.
   *
   * @param directory its log; made when missing, continued when there
   * @param identity what it shows devices, which then need a certificate of the same authority;
   *     empty: it speaks plain text with whoever reaches it
   * @throws CoordinatorException when it cannot start: port taken, directory not writable or broken
   */
  public static EmbeddedKafka start(
      Path directory, Listen listen, Optional<BrokerIdentity> identity) {
    Path data = directory.toAbsolutePath().resolve("kraft");
    try {
      // Kafka finds a taken port late and tells it in five stack traces.
      ListenPort.requireFree(listen.host(), listen.port());
      ListenPort.requireFree("127.0.0.1", listen.controllerPort());
      Files.createDirectories(data);
      if (!Files.exists(data.resolve("meta.properties"))) {
        format(data);
      } else if (!Files.exists(data.resolve(".kafka_cleanshutdown"))) {
        FormerBroker.fence(controllerSettings(data, listen, identity));
      }
      Map<String, Object> settings = settings(data, listen, identity);
      KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
      EmbeddedKafka broker = new EmbeddedKafka(server, access(listen, identity));
      Exit.setHaltProcedure(broker::stopInsteadOfExit);
      Exit.setExitProcedure(broker::stopInsteadOfExit);
      try {
        server.startup();
      } catch (Exception e) {
        server.shutdown();
        throw e;
      }
      return broker;
    } catch (Exception e) {
      // Kafka's insides throw whatever they like, checked or not.
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot start the embedded Kafka on port " + listen.port(),
          rootMessage(e),
          "free the port or choose another kafka.port, and check that " + data + " is writable",
          e);
    }
  }

  private static KafkaAccess access(Listen listen, Optional<BrokerIdentity> identity) {
    String bootstrap = listen.advertisedHost() + ":" + listen.port();
    return identity
        .map(own -> KafkaAccess.tls(bootstrap, own))
        .orElseGet(() -> KafkaAccess.plaintext(bootstrap));
  }

  /** What clients connect to, {@code host:port}. */
  public String bootstrap() {
    return access.bootstrap();
  }

  /** How clients of this process connect, with every right. */
  public KafkaAccess access() {
    return access;
  }

  /** True once the broker gave up, e.g. because its disk failed; only a restart helps. */
  public boolean failed() {
    return failed;
  }

  /** Stops serving and flushes its log. */
  @Override
  public void close() {
    server.shutdown();
    server.awaitShutdown();
  }

  private void stopInsteadOfExit(int status, String message) {
    failed = true;
    LOG.error(
        "the embedded Kafka gave up (status {}): {}; telemetry stops until the coordinator is"
            + " restarted, look at the disk first",
        status,
        message);
    throw new IllegalStateException("embedded Kafka gave up: " + message);
  }

  private static void format(Path data) throws Exception {
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setPrintStream(quiet)
          .setClusterId(Uuid.randomUuid().toString())
          .setNodeId(Integer.parseInt(NODE_ID))
          .setDirectories(List.of(data.toString()))
          .setMetadataLogDirectory(data.toString())
          .setControllerListenerName("CONTROLLER")
          .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
          .setIgnoreFormatted(true)
          .run();
    }
  }

  private static Map<String, Object> controllerSettings(
      Path data, Listen listen, Optional<BrokerIdentity> identity) {
    Map<String, Object> p = new HashMap<>();
    p.put("process.roles", "controller");
    p.put("node.id", NODE_ID);
    p.put("controller.quorum.voters", NODE_ID + "@127.0.0.1:" + listen.controllerPort());
    p.put("listeners", "CONTROLLER://127.0.0.1:" + listen.controllerPort());
    // The controller's port is on loopback, where other users of the machine are.
    String protocol = identity.isPresent() ? "SSL" : "PLAINTEXT";
    p.put("listener.security.protocol.map", "CLIENTS:%1$s,CONTROLLER:%1$s".formatted(protocol));
    identity.ifPresent(own -> p.putAll(BrokerTls.brokerSettings(own)));
    p.put("controller.listener.names", "CONTROLLER");
    p.put("log.dirs", data.toString());
    return p;
  }

  private static Map<String, Object> settings(
      Path data, Listen listen, Optional<BrokerIdentity> identity) {
    Map<String, Object> p = controllerSettings(data, listen, identity);
    p.put("process.roles", "broker,controller");
    p.put(
        "listeners",
        "CLIENTS://%s:%d,CONTROLLER://127.0.0.1:%d"
            .formatted(listen.host(), listen.port(), listen.controllerPort()));
    p.put("advertised.listeners", "CLIENTS://" + listen.advertisedHost() + ":" + listen.port());
    p.put("inter.broker.listener.name", "CLIENTS");
    p.put("default.replication.factor", "1");
    p.put("auto.create.topics.enable", "false");
    for (String topic :
        List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
      p.put(topic + ".replication.factor", "1");
      // One node gains nothing from the default of 50 partitions but 50 open log directories.
      p.put(topic + ".num.partitions", "1");
    }
    p.put("transaction.state.log.min.isr", "1");
    p.put("share.coordinator.state.topic.min.isr", "1");
    // A transaction that died with its coordinator holds readers back until it is aborted.
    p.put("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000");
    p.put("group.initial.rebalance.delay.ms", "0");
    // After a crash the old registration must lapse first: 2 s instead of 9 s until it serves.
    p.put("broker.session.timeout.ms", "2000");
    p.put("broker.heartbeat.interval.ms", "500");
    p.put("num.network.threads", "2");
    p.put("num.io.threads", "2");
    p.put("background.threads", "2");
    // The default dedupe buffer alone is 128 MiB of heap.
    p.put("log.cleaner.dedupe.buffer.size", "2097152");
    p.put("log.cleaner.io.buffer.size", "131072");
    p.put("log.retention.bytes", String.valueOf(256L << 20));
    p.put("log.segment.bytes", String.valueOf(16 << 20));
    p.put("controlled.shutdown.enable", "true");
    return p;
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message == null ? root.getClass().getSimpleName() : message;
  }
}
