package io.stillhouse.server.broker;

import io.stillhouse.fleet.device.DeviceId;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes from revoked devices the right to write to the embedded broker, whose certificates are good
 * for years. Looks every two seconds at who is revoked by now, so that nothing is missed that
 * happened while the broker, or this process, was away. Refusing the same device again changes
 * nothing.
 */
public final class Revocations implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Revocations.class);
  private static final Duration PERIOD = Duration.ofSeconds(2);
  private static final Duration BROKER_WAIT = Duration.ofSeconds(10);

  private final KafkaAccess access;
  private final Supplier<List<DeviceId>> revoked;
  private final Set<DeviceId> refused = new HashSet<>();
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "revocations");
            thread.setDaemon(true);
            return thread;
          });

  private Revocations(KafkaAccess access, Supplier<List<DeviceId>> revoked) {
    this.access = access;
    this.revoked = revoked;
  }

  /**
   * Begins to look.
   *
   * @param access to a broker that knows its clients, with every right
   * @param revoked all devices that are revoked now
   */
  public static Revocations start(KafkaAccess access, Supplier<List<DeviceId>> revoked) {
    Revocations revocations = new Revocations(access, revoked);
    var scheduled =
        revocations.executor.scheduleWithFixedDelay(
            revocations::round, 0, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    LOG.debug("looking for revoked devices every {}: {}", PERIOD, scheduled);
    return revocations;
  }

  private void round() {
    try {
      List<DeviceId> fresh = revoked.get().stream().filter(id -> !refused.contains(id)).toList();
      if (!fresh.isEmpty()) {
        try (Admin admin =
            Admin.create(access.settings(Map.of("client.id", "stillhouse-revocations")))) {
          BrokerTls.refuse(admin, fresh, BROKER_WAIT.toMillis());
        }
        refused.addAll(fresh);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException | KafkaException e) {
      LOG.warn("revoked devices may still write telemetry, trying again: {}", e.toString());
    } catch (RuntimeException e) {
      // Thrown on, it would silently end all further rounds.
      LOG.warn("it is not known who is revoked, trying again: {}", e.getMessage());
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
