package io.stillhouse.server.telemetry;

import io.stillhouse.server.broker.KafkaAccess;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The running {@link HealthTopology} of this coordinator. Several coordinators on one cluster share
 * its partitions.
 */
public final class TelemetryStreams implements AutoCloseable {
  /** How often sums become visible; the price of each commit is one small transaction. */
  static final Duration COMMIT_INTERVAL = Duration.ofMillis(500);

  private static final Logger LOG = LoggerFactory.getLogger(TelemetryStreams.class);
  private static final String APPLICATION = "stillhouse-coordinator";
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration STOP_MAX = Duration.ofSeconds(10);

  private final KafkaStreams streams;
  private final CountDownLatch running = new CountDownLatch(1);

  /**
   * Prepares the streams.
   *
   * @param instance name of this coordinator, the same after a restart: the group then knows it
   *     again at once instead of waiting until its former self has timed out
   * @param stateDirectory for the little that Kafka Streams keeps on disk
   * @param refused told the reason of each record that is skipped
   */
  public TelemetryStreams(
      KafkaAccess access, String instance, Path stateDirectory, Consumer<String> refused) {
    Properties settings = new Properties();
    settings.put("application.id", APPLICATION);
    settings.putAll(access.settings(Map.of()));
    settings.put("state.dir", stateDirectory.toAbsolutePath().toString());
    settings.put("num.stream.threads", "1");
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("commit.interval.ms", String.valueOf(COMMIT_INTERVAL.toMillis()));
    settings.put("statestore.cache.max.bytes", String.valueOf(1 << 20));
    // After a kill the open transaction has to lapse before anybody goes on: 10 s by default.
    settings.put("producer.transaction.timeout.ms", "4000");
    settings.put("main.consumer.group.instance.id", instance);
    settings.put("consumer.session.timeout.ms", "6000");
    settings.put("consumer.heartbeat.interval.ms", "1500");
    settings.put("consumer.auto.offset.reset", "earliest");
    this.streams = new KafkaStreams(HealthTopology.build(refused), settings);
    streams.setUncaughtExceptionHandler(
        failure -> {
          LOG.warn("telemetry stream thread failed and is replaced: {}", failure.toString());
          return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) {
            running.countDown();
          }
        });
  }

  /** Begins to start; {@link #awaitRunning} says when records are being read. */
  public TelemetryStreams start() {
    streams.start();
    return this;
  }

  /**
   * Waits until records are being read.
   *
   * @throws CoordinatorException when that takes too long
   */
  public void awaitRunning() {
    try {
      if (running.await(START_MAX.toSeconds(), TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        "cannot start telemetry",
        "Kafka Streams did not run within " + START_MAX.toSeconds() + " s",
        "check that the Kafka cluster serves transactions and lets us create topics");
  }

  /** True while records are being read. */
  public boolean healthy() {
    return running.getCount() == 0 && streams.state().isRunningOrRebalancing();
  }

  /** For its metrics. */
  public KafkaStreams streams() {
    return streams;
  }

  @Override
  public void close() {
    if (!streams.close(STOP_MAX)) {
      LOG.warn("telemetry streams did not stop within {} s", STOP_MAX.toSeconds());
    }
  }
}
