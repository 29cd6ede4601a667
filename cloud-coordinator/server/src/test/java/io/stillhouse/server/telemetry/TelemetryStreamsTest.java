package io.stillhouse.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.broker.EmbeddedKafka;
import io.stillhouse.server.broker.Topics;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.ServingChild;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class TelemetryStreamsTest {
  private static final int DEVICES = 6;

  @TempDir Path directory = Path.of("");

  @Test
  void every_record_counts_once_through_a_kill_and_a_restart() throws Exception {
    EmbeddedKafka.Listen listen =
        new EmbeddedKafka.Listen("127.0.0.1", "127.0.0.1", freePort(), freePort());
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    Process child = startChild(listen);
    try (KafkaProducer<String, byte[]> producer = producer(listen)) {
      try {
        send(producer, sent, 1, 200);
        awaitAll(sent);
        // In the log, read and summed, but mostly not yet committed: what a kill would count twice
        // or forget.
        send(producer, sent, 201, 350);
        awaitAll(sent);
        // And these are under way.
        send(producer, sent, 351, 400);
      } finally {
        child.destroyForcibly();
        assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
      }
      try (Running running = new Running(listen)) {
        awaitAll(sent);
        // A device whose acknowledgement was lost sends again.
        send(producer, sent, 391, 400);
        awaitAll(sent);
        running.await(400L * DEVICES, 10L * DEVICES);
        assertThat(running.health.baseline(Windows.DIGEST_A, "x86_64-avx2-t1").inferences())
            .isEqualTo(400L * DEVICES * 10);
      }
    }
    try (Running running = new Running(listen)) {
      running.await(400L * DEVICES, 10L * DEVICES);
      HealthCounts wave = running.health.wave("ro-1", 0, "x86_64-avx2-t1", Windows.DIGEST_A);
      assertThat(wave.inferences()).isEqualTo(400L * DEVICES * 10);
      assertThat(wave.feedbackCorrect()).isEqualTo(400L * DEVICES * 3);
      assertThat(running.health.devices()).hasSize(DEVICES);
      assertThat(running.health.rows()).hasSize(1);
    }
  }

  /** Everything of one coordinator that has to do with telemetry. */
  private final class Running implements AutoCloseable {
    final FleetHealth health = new FleetHealth();
    private final EmbeddedKafka broker;
    private final TelemetryStreams streams;
    private final FleetHealthReader reader;

    Running(EmbeddedKafka.Listen listen) {
      broker = EmbeddedKafka.start(directory, listen);
      Topics.ensure(broker.access());
      streams =
          new TelemetryStreams(broker.access(), "me", directory.resolve("streams"), reason -> {})
              .start();
      streams.awaitRunning();
      reader = new FleetHealthReader(health, broker.access(), consumer -> () -> {}).start();
    }

    void await(long received, long duplicates) {
      Eventually.holds("the reader has caught up", () -> sound() && reader.caughtUp());
      Eventually.holds(
          received + " records are counted",
          () ->
              sound()
                  && health.loss().received() >= received
                  && health.baseline(Windows.DIGEST_A, "x86_64-avx2-t1").inferences()
                      >= received * 10);
      TelemetryLoss loss = health.loss();
      assertThat(loss.sent()).isEqualTo(received);
      assertThat(loss.received()).isEqualTo(received);
      assertThat(loss.lost()).isZero();
      // The producer is idempotent, so that what it repeats by itself is in the log once.
      assertThat(loss.duplicates()).isEqualTo(duplicates);
    }

    /** Ends a wait at once when the topology has died. */
    private boolean sound() {
      assertThat(streams.healthy()).isTrue();
      return true;
    }

    @Override
    public void close() {
      reader.close();
      streams.close();
      broker.close();
    }
  }

  private Process startChild(EmbeddedKafka.Listen listen) throws IOException {
    return ServingChild.start(
        TelemetryChild.class,
        directory.toString(),
        String.valueOf(listen.port()),
        String.valueOf(listen.controllerPort()));
  }

  private static KafkaProducer<String, byte[]> producer(EmbeddedKafka.Listen listen) {
    return new KafkaProducer<>(
        Map.of("bootstrap.servers", "127.0.0.1:" + listen.port(), "acks", "all"),
        new StringSerializer(),
        new ByteArraySerializer());
  }

  private static void send(
      KafkaProducer<String, byte[]> producer,
      List<Future<RecordMetadata>> sent,
      long from,
      long to) {
    for (long seq = from; seq <= to; seq++) {
      for (int device = 0; device < DEVICES; device++) {
        String id = "d" + device;
        byte[] window = Windows.of(id, seq).build().toByteArray();
        sent.add(producer.send(new ProducerRecord<>(Topics.TELEMETRY, id, window)));
      }
    }
  }

  private static void awaitAll(List<Future<RecordMetadata>> sent) throws Exception {
    for (Future<RecordMetadata> future : sent) {
      future.get(60, TimeUnit.SECONDS);
    }
    sent.clear();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
