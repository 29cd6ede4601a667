package io.stillhouse.server.telemetry;

import io.stillhouse.server.broker.KafkaAccess;
import io.stillhouse.server.broker.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a {@link FleetHealth} in step with its two topics: reads them from their beginning, then
 * follows. One thread of its own; a broker that goes away is waited for.
 */
public final class FleetHealthReader implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FleetHealthReader.class);
  private static final Duration POLL = Duration.ofMillis(250);
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final FleetHealth health;
  private final KafkaAccess access;
  private final Function<KafkaConsumer<?, ?>, Runnable> watch;
  private final Thread thread;
  private final CountDownLatch caughtUp = new CountDownLatch(1);
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Map<TopicPartition, Long> positions = new HashMap<>();
  private final AtomicReference<@Nullable KafkaConsumer<byte[], byte[]>> current =
      new AtomicReference<>();

  /**
   * Prepares the reader.
   *
   * @param watch given each Kafka consumer that is opened, for its metrics; what it returns is run
   *     when that is closed
   */
  public FleetHealthReader(
      FleetHealth health, KafkaAccess access, Function<KafkaConsumer<?, ?>, Runnable> watch) {
    this.health = health;
    this.access = access;
    this.watch = watch;
    this.thread = new Thread(this::run, "fleet-health-reader");
    this.thread.setDaemon(true);
  }

  public FleetHealthReader start() {
    thread.start();
    return this;
  }

  /** True once everything that stood in the topics at the start has been read. */
  public boolean caughtUp() {
    return caughtUp.getCount() == 0;
  }

  /** Whether what stood in the topics has been read, and what is added still is. */
  public boolean healthy() {
    return caughtUp() && thread.isAlive();
  }

  /** Waits for {@link #caughtUp}; false when that takes longer than {@code max}. */
  public boolean awaitCaughtUp(Duration max) {
    try {
      return caughtUp.await(max.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    stop.countDown();
    // Not an interrupt: Kafka's consumer complains when it is interrupted while it closes.
    KafkaConsumer<byte[], byte[]> reading = current.getAndSet(null);
    if (reading != null) {
      reading.wakeup();
    }
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean stopped() {
    return stop.getCount() == 0;
  }

  private void run() {
    while (!stopped()) {
      try {
        follow();
      } catch (WakeupException e) {
        // Only close() wakes it.
        return;
      } catch (KafkaException e) {
        LOG.warn(
            "cannot read fleet health from {}: {}; trying again each second",
            access.bootstrap(),
            e.getMessage());
        pause();
      }
    }
  }

  private void pause() {
    try {
      boolean stopping = stop.await(RETRY.toMillis(), TimeUnit.MILLISECONDS);
      LOG.debug("retrying to read fleet health, stopping: {}", stopping);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void follow() {
    Map<String, Object> settings =
        access.settings(
            Map.of(
                "client.id", "stillhouse-fleet-health",
                // Sums of a transaction that was aborted must not be seen.
                "isolation.level", "read_committed",
                "auto.offset.reset", "earliest",
                "enable.auto.commit", "false"));
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Runnable unwatch = watch.apply(consumer);
      try {
        current.set(consumer);
        follow(consumer);
      } finally {
        unwatch.run();
      }
    }
  }

  private void follow(KafkaConsumer<byte[], byte[]> consumer) {
    List<TopicPartition> partitions =
        List.of(Topics.HEALTH, Topics.LEDGERS).stream()
            .flatMap(topic -> consumer.partitionsFor(topic).stream())
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    consumer.assign(partitions);
    for (TopicPartition partition : partitions) {
      Long position = positions.get(partition);
      if (position == null) {
        consumer.seekToBeginning(List.of(partition));
      } else {
        consumer.seek(partition, position);
      }
    }
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
    while (!stopped()) {
      consumer.poll(POLL).forEach(this::take);
      for (TopicPartition partition : partitions) {
        positions.put(partition, consumer.position(partition));
      }
      if (!caughtUp()
          && ends.entrySet().stream()
              .allMatch(end -> positions.getOrDefault(end.getKey(), 0L) >= end.getValue())) {
        caughtUp.countDown();
      }
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    if (record.value() == null) {
      return;
    }
    try {
      if (record.topic().equals(Topics.HEALTH)) {
        TelemetryMapper.ReadWindow window = TelemetryMapper.healthWindow(record.value());
        health.takeWindow(window.key(), window.startEpochMillis(), window.counts());
      } else {
        health.takeLedger(TelemetryMapper.ledger(record.value()));
      }
    } catch (TelemetryMapper.RefusedException e) {
      LOG.warn(
          "skipped a record of {} at offset {} that is not ours: {}",
          record.topic(),
          record.offset(),
          e.reason());
    }
  }
}
