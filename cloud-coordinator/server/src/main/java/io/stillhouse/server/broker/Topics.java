package io.stillhouse.server.broker;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * The topics of the fleet. Replication is whatever the cluster gives by default.
 *
 * <p>What devices write is stamped by the broker ({@code LogAppendTime}): a device that believes it
 * is 1970 or 2099 must neither be thrown out of the current window nor close it for all others.
 */
public final class Topics {
  /** What agents measured; key = device id. */
  public static final String TELEMETRY = "stillhouse.telemetry.v1";

  /** What happened on devices; key = device id; partitioned like {@link #TELEMETRY}. */
  public static final String EVENTS = "stillhouse.events.v1";

  /** Fleet health by window. */
  public static final String HEALTH = "stillhouse.health.v1";

  /** The latest account of records per device; compacted; key = device id. */
  public static final String LEDGERS = "stillhouse.ledgers.v1";

  /** Partitions of the topics that devices write, the limit of scaling out. */
  public static final int DEVICE_PARTITIONS = 4;

  /** Largest record that the broker takes from a device. */
  public static final int RECORD_BYTES_MAX = 256 << 10;

  private static final Duration RETENTION = Duration.ofDays(7);
  private static final long RETENTION_BYTES_PER_PARTITION = 64L << 20;
  private static final Duration ADMIN_WAIT = Duration.ofSeconds(30);

  private Topics() {}

  /**
   * Makes the topics that are missing; one that is there stays as it is.
   *
   * @throws CoordinatorException when the broker cannot be reached or refuses
   */
  public static void ensure(KafkaAccess access) {
    prepare(access, admin -> {});
  }

  /**
   * As {@link #ensure}, on a broker that knows its clients: devices may write, and nothing else.
   */
  public static void ensureForDevices(KafkaAccess access) {
    prepare(access, admin -> BrokerTls.letDevicesWrite(admin, ADMIN_WAIT.toMillis()));
  }

  /** A further step of preparing. */
  private interface Step {
    void run(Admin admin) throws ExecutionException, InterruptedException, TimeoutException;
  }

  private static void prepare(KafkaAccess access, Step further) {
    Map<String, Object> settings =
        access.settings(
            Map.of(
                "client.id",
                "stillhouse-topics",
                "default.api.timeout.ms",
                String.valueOf(ADMIN_WAIT.toMillis())));
    try (Admin admin = Admin.create(settings)) {
      Set<String> there =
          admin.listTopics().names().get(ADMIN_WAIT.toMillis(), TimeUnit.MILLISECONDS);
      List<NewTopic> missing =
          all().stream().filter(topic -> !there.contains(topic.name())).toList();
      for (var made : admin.createTopics(missing).values().values()) {
        try {
          made.get(ADMIN_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
          // Another coordinator of the same fleet may be doing the same.
          if (!(e.getCause() instanceof TopicExistsException)) {
            throw e;
          }
        }
      }
      further.run(admin);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw refused(access.bootstrap(), e);
    } catch (ExecutionException | TimeoutException | org.apache.kafka.common.KafkaException e) {
      throw refused(access.bootstrap(), e);
    }
  }

  private static List<NewTopic> all() {
    Map<String, String> fromDevices =
        Map.of(
            "message.timestamp.type", "LogAppendTime",
            "max.message.bytes", String.valueOf(RECORD_BYTES_MAX),
            "retention.ms", String.valueOf(RETENTION.toMillis()),
            "retention.bytes", String.valueOf(RETENTION_BYTES_PER_PARTITION));
    Map<String, String> health =
        Map.of(
            "retention.ms", String.valueOf(RETENTION.toMillis()),
            "retention.bytes", String.valueOf(RETENTION_BYTES_PER_PARTITION));
    Map<String, String> latest = Map.of("cleanup.policy", "compact");
    return List.of(
        topic(TELEMETRY, DEVICE_PARTITIONS, fromDevices),
        topic(EVENTS, DEVICE_PARTITIONS, fromDevices),
        topic(HEALTH, 1, health),
        topic(LEDGERS, 1, latest));
  }

  private static NewTopic topic(String name, int partitions, Map<String, String> settings) {
    return new NewTopic(name, Optional.of(partitions), Optional.empty()).configs(settings);
  }

  private static CoordinatorException refused(String bootstrap, Exception cause) {
    Throwable said = cause.getCause() == null ? cause : cause.getCause();
    return new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        "cannot prepare the topics at " + bootstrap,
        String.valueOf(said.getMessage()),
        "check kafka.bootstrap and kafka.security, and that the cluster runs and lets us create topics",
        cause);
  }
}
