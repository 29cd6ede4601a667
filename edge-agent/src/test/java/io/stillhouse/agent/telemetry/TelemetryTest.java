package io.stillhouse.agent.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.Tenure;
import io.stillhouse.agent.testing.ScriptedHost;
import io.stillhouse.agent.testing.Slots;
import io.stillhouse.agent.testing.TinyModels;
import io.stillhouse.proto.telemetry.v1.DeviceEvent;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TelemetryTest {
  private static final TelemetryIdentity IDENTITY = new TelemetryIdentity("device-1", "boot-1");
  private static final KafkaTarget TARGET =
      new KafkaTarget("broker:9092", "windows", Optional.empty());
  private static final DrainPace QUICK =
      new DrainPace(Duration.ofMillis(1), Duration.ofMillis(4), Duration.ofSeconds(10));

  @TempDir Path directory;

  /** A broker that is up or down and keeps what it acknowledged. */
  private static final class Broker implements Function<KafkaTarget, Producer<String, byte[]>> {
    final BlockingQueue<ProducerRecord<String, byte[]>> stored = new LinkedBlockingQueue<>();
    final List<KafkaTarget> connections = new CopyOnWriteArrayList<>();
    final AtomicBoolean up = new AtomicBoolean(true);
    final AtomicInteger refusals = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();

    @Override
    public Producer<String, byte[]> apply(KafkaTarget target) {
      connections.add(target);
      open.incrementAndGet();
      return new MockProducer<>(true, null, new StringSerializer(), new ByteArraySerializer()) {
        @Override
        public synchronized java.util.concurrent.Future<
                org.apache.kafka.clients.producer.RecordMetadata>
            send(ProducerRecord<String, byte[]> record) {
          if (!up.get()) {
            refusals.incrementAndGet();
            sendException = new TimeoutException("Topic not present in metadata");
          } else {
            stored.add(record);
          }
          return super.send(record);
        }

        @Override
        public void close(Duration timeout) {
          open.decrementAndGet();
          super.close(timeout);
        }
      };
    }

    List<Long> take(String topic, int count) throws InterruptedException {
      List<Long> seqs = new ArrayList<>();
      while (seqs.size() < count) {
        ProducerRecord<String, byte[]> record = stored.take();
        assertThat(record.key()).isEqualTo("device-1");
        assertThat(record.topic()).isEqualTo(topic);
        seqs.add(Long.parseLong(new String(record.value(), UTF_8)));
      }
      return seqs;
    }
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static List<Long> range(long first, long last) {
    return LongStream.rangeClosed(first, last).boxed().toList();
  }

  private KafkaDrain drain(Spool spool, Function<KafkaTarget, Producer<String, byte[]>> connect) {
    KafkaDrain drain =
        new KafkaDrain(
            List.of(new KafkaDrain.Source(spool, KafkaTarget::telemetryTopic)),
            "device-1",
            new KafkaDrain.Means(connect, QUICK, new Random(1)));
    drain.start();
    return drain;
  }

  private static void append(Spool spool, int count) {
    for (int i = 0; i < count; i++) {
      spool.append(List.of(seq -> Long.toString(seq).getBytes(UTF_8)));
    }
  }

  @Test
  void sends_what_is_spooled_and_forgets_it_once_acknowledged() throws Exception {
    Broker broker = new Broker();
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain = drain(spool, broker)) {
      append(spool, 500);
      drain.sendTo(TARGET);
      assertThat(broker.take("windows", 500)).isEqualTo(range(1, 500));
      await(() -> spool.pending() == 0);
      append(spool, 1);
      drain.wake();
      assertThat(broker.take("windows", 1)).containsExactly(501L);
      assertThat(broker.connections).hasSize(1);
      assertThat(drain.problem()).isEmpty();
    }
    assertThat(broker.open).hasValue(0);
  }

  @Test
  void waits_while_the_broker_is_down_and_loses_nothing() throws Exception {
    Broker broker = new Broker();
    broker.up.set(false);
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain = drain(spool, broker)) {
      append(spool, 50);
      drain.sendTo(TARGET);
      await(() -> broker.refusals.get() > 20);
      assertThat(drain.problem()).hasValueSatisfying(p -> assertThat(p).contains("metadata"));
      assertThat(spool.pending()).isEqualTo(50);
      assertThat(broker.open.get()).isLessThanOrEqualTo(1);
      broker.up.set(true);
      assertThat(broker.take("windows", 50)).isEqualTo(range(1, 50));
      await(() -> spool.pending() == 0 && drain.problem().isEmpty());
    }
  }

  @Test
  void the_real_client_accepts_its_settings_and_waits_while_nobody_listens() throws Exception {
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain = drain(spool, KafkaDrain::producer)) {
      append(spool, 3);
      drain.sendTo(new KafkaTarget("127.0.0.1:1", "windows", Optional.empty()));
      await(() -> drain.problem().isPresent());
      assertThat(drain.problem())
          .hasValueSatisfying(p -> assertThat(p).contains("TimeoutException"));
      assertThat(spool.pending()).isEqualTo(3);
    }
  }

  @Test
  void a_client_that_cannot_be_made_is_a_failure_like_any_other() throws Exception {
    Broker broker = new Broker();
    AtomicInteger attempts = new AtomicInteger();
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain =
            drain(
                spool,
                target -> {
                  if (attempts.incrementAndGet() < 5) {
                    throw new KafkaException("No resolvable bootstrap urls given");
                  }
                  return broker.apply(target);
                })) {
      append(spool, 3);
      drain.sendTo(TARGET);
      assertThat(broker.take("windows", 3)).isEqualTo(range(1, 3));
    }
  }

  @Test
  void records_before_a_refused_one_are_acknowledged_and_the_rest_is_sent_again() throws Exception {
    Broker broker = new Broker();
    AtomicInteger failures = new AtomicInteger(1);
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain =
            drain(
                spool,
                target -> {
                  Producer<String, byte[]> good = broker.apply(target);
                  return new MockProducer<>(
                      false, null, new StringSerializer(), new ByteArraySerializer()) {
                    @Override
                    public synchronized java.util.concurrent.Future<
                            org.apache.kafka.clients.producer.RecordMetadata>
                        send(ProducerRecord<String, byte[]> record) {
                      var ack = super.send(record);
                      if (new String(record.value(), UTF_8).equals("3")
                          && failures.getAndDecrement() > 0) {
                        errorNext(new TimeoutException("expired"));
                      } else {
                        var unused = good.send(record);
                        completeNext();
                      }
                      return ack;
                    }
                  };
                })) {
      append(spool, 5);
      drain.sendTo(TARGET);
      assertThat(broker.take("windows", 7)).containsExactly(1L, 2L, 4L, 5L, 3L, 4L, 5L);
      await(() -> spool.pending() == 0);
    }
  }

  @Test
  void follows_the_coordinator_to_another_broker() throws Exception {
    Broker broker = new Broker();
    broker.up.set(false);
    KafkaTarget other = new KafkaTarget("elsewhere:9092", "others", Optional.empty());
    try (Spool spool = Spool.open(directory, Spool.BYTES_MIN);
        KafkaDrain drain = drain(spool, broker)) {
      append(spool, 2);
      drain.sendTo(TARGET);
      await(() -> broker.refusals.get() > 0);
      drain.sendTo(other);
      await(() -> broker.connections.contains(other));
      broker.up.set(true);
      assertThat(broker.take("others", 2)).containsExactly(1L, 2L);
      int connections = broker.connections.size();
      drain.sendTo(new KafkaTarget("elsewhere:9092", "others", Optional.empty()));
      append(spool, 1);
      drain.wake();
      assertThat(broker.take("others", 1)).containsExactly(3L);
      assertThat(broker.connections).hasSize(connections);
    }
  }

  @Test
  void backoff_doubles_to_its_bound_and_is_spread() {
    DrainPace pace =
        new DrainPace(Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(1));
    Random random = new Random(7);
    long last = 0;
    for (int failures = 1; failures < 70; failures++) {
      long nanos = pace.backoffNanos(failures, random);
      long full = (long) Math.min(1e9, 1e8 * Math.pow(2, failures - 1));
      assertThat(nanos).isBetween(full / 2, full);
      last = nanos;
    }
    assertThat(last).isGreaterThanOrEqualTo(500_000_000);
  }

  @Test
  void windows_and_events_survive_restarts_and_reach_their_topics() throws Exception {
    Broker broker = new Broker();
    ScriptedHost host = new ScriptedHost();
    LoadedSlot slot = Slots.slot(directory.resolve("slot"), TinyModels.constant(0), 1);
    host.tenures = List.of(new Tenure(1, slot, true, LiveStats.none(3)));
    TelemetrySettings settings =
        new TelemetrySettings(
            directory.resolve("spool"), TelemetrySettings.SPOOL_BYTES_MAX, Duration.ofDays(1));
    KafkaDrain.Means means = new KafkaDrain.Means(broker, QUICK, new Random(1));
    Clocks clocks = new Clocks(InstantSource.system(), System::nanoTime);
    try (Telemetry telemetry = Telemetry.start(settings, IDENTITY, host, clocks, means)) {
      telemetry.event("boot", "first", "");
      assertThat(telemetry.status().pending()).isEqualTo(1);
    }
    try (Telemetry telemetry = Telemetry.start(settings, IDENTITY, host, clocks, means)) {
      assertThat(telemetry.status().pending()).isEqualTo(2);
      telemetry.event("activated", "second", slot.digest());
      telemetry.sendTo(TARGET);
      List<DeviceEvent> events = new ArrayList<>();
      List<TelemetryWindow> windows = new ArrayList<>();
      while (events.size() + windows.size() < 3) {
        ProducerRecord<String, byte[]> record = broker.stored.take();
        if (record.topic().equals(KafkaTarget.EVENTS_TOPIC)) {
          events.add(DeviceEvent.parseFrom(record.value()));
        } else {
          windows.add(TelemetryWindow.parseFrom(record.value()));
        }
      }
      assertThat(events).extracting(DeviceEvent::getKind).containsExactly("boot", "activated");
      assertThat(events).extracting(DeviceEvent::getSeq).containsExactly(1L, 2L);
      assertThat(events.get(0).getSpoolId()).isEqualTo(events.get(1).getSpoolId());
      TelemetryWindow window = windows.get(0);
      assertThat(window.getSeq()).isEqualTo(1);
      assertThat(window.getSpoolId()).isNotEqualTo(events.get(0).getSpoolId());
      assertThat(window.getRunningSha256()).isEqualTo(slot.digest());
      await(() -> telemetry.status().pending() == 0);
      assertThat(telemetry.status().dropped()).isZero();
    }
  }

  @Test
  void telemetry_that_the_disk_has_no_place_for_is_sent_from_memory() throws Exception {
    Broker broker = new Broker();
    ScriptedHost host = new ScriptedHost();
    // A file where the directory should be: refused to root as well.
    Path taken = Files.writeString(directory.resolve("spool"), "");
    TelemetrySettings settings =
        new TelemetrySettings(taken, TelemetrySettings.SPOOL_BYTES_MAX, Duration.ofDays(1));
    KafkaDrain.Means means = new KafkaDrain.Means(broker, QUICK, new Random(1));
    Clocks clocks = new Clocks(InstantSource.system(), System::nanoTime);
    try (Telemetry telemetry = Telemetry.start(settings, IDENTITY, host, clocks, means)) {
      telemetry.event("boot", "first", "");
      telemetry.event("activated", "second", "");
      telemetry.sendTo(TARGET);
      for (long seq = 1; seq <= 2; seq++) {
        assertThat(DeviceEvent.parseFrom(broker.stored.take().value()).getSeq()).isEqualTo(seq);
      }
      await(() -> telemetry.status().pending() == 0);
      assertThat(telemetry.status().dropped()).isZero();
    }
    assertThat(taken).isEmptyFile();
  }

  @Test
  void a_spool_in_memory_is_bounded_and_counts_what_it_drops() throws Exception {
    try (Spool spool = Spool.open(new MemoryStorage(), Spool.BYTES_MIN)) {
      append(spool, 10_000);
      assertThat(spool.dropped()).isPositive();
      assertThat(spool.pending()).isEqualTo(10_000 - spool.dropped());
      long first = spool.dropped() + 1;
      assertThat(new String(spool.read(1, 100).items().get(0).payload(), UTF_8))
          .isEqualTo(Long.toString(first));
      spool.ack(first);
      assertThat(spool.pending()).isEqualTo(10_000 - first);
    }
  }
}
