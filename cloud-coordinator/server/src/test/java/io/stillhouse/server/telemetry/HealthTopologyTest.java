package io.stillhouse.server.telemetry;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.proto.telemetry.v1.DeviceEvent;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import io.stillhouse.server.broker.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HealthTopologyTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final List<String> refused = new ArrayList<>();
  private final TopologyTestDriver driver =
      new TopologyTestDriver(HealthTopology.build(refused::add), settings(), START);
  private final TestInputTopic<String, byte[]> telemetry =
      driver.createInputTopic(Topics.TELEMETRY, new StringSerializer(), new ByteArraySerializer());
  private final TestInputTopic<String, byte[]> events =
      driver.createInputTopic(Topics.EVENTS, new StringSerializer(), new ByteArraySerializer());

  @AfterEach
  void close() {
    driver.close();
  }

  @Test
  void windows_of_several_devices_become_one_health_window() {
    send(Windows.of("d1", 1), 0);
    send(Windows.of("d2", 1).setErrors(2).setConfidenceSum(7), 1);
    send(Windows.of("d1", 2), 2);
    send(Windows.of("d1", 3), 10);

    Map<String, HealthCounts> health = health();
    HealthCounts first = requireNonNull(health.get(window(0, Windows.DIGEST_A)));
    assertThat(first.inferences()).isEqualTo(30);
    assertThat(first.errors()).isEqualTo(2);
    assertThat(first.devices()).isEqualTo(2);
    assertThat(first.feedbackCount()).isEqualTo(12);
    assertThat(first.feedbackCorrect()).isEqualTo(9);
    assertThat(first.latency().get(8)).isEqualTo(30);
    assertThat(first.latencyP99Micros()).hasValue(500);
    assertThat(first.meanConfidence().orElseThrow()).isEqualTo(25.0 / 28);
    HealthCounts second = requireNonNull(health.get(window(10, Windows.DIGEST_A)));
    assertThat(second.inferences()).isEqualTo(10);
    assertThat(second.devices()).isEqualTo(1);
  }

  @Test
  void boards_tell_their_load_and_what_cannot_be_is_left_out() {
    send(Windows.of("d1", 1).setCpuShare(0.5).setResidentBytes(100).setTemperatureCelsius(60), 0);
    send(
        Windows.of("d2", 1)
            .setCpuShare(1.5)
            .setResidentBytes(300)
            .setTemperatureCelsius(Double.NaN),
        1);
    send(Windows.of("d3", 1).setCpuShare(Double.POSITIVE_INFINITY).setResidentBytes(7), 2);
    HealthCounts counts = requireNonNull(health().get(window(0, Windows.DIGEST_A)));
    assertThat(counts.inferences()).as("none was refused").isEqualTo(30);
    assertThat(counts.load()).isEqualTo(new BoardLoad(2, 2.0, 400, 1, 60));
    assertThat(counts.load().residentBytes()).hasValue(200);
  }

  @Test
  void artifacts_of_one_wave_are_kept_apart() {
    send(Windows.of("d1", 1), 0);
    send(Windows.of("d1", 2).setRunningSha256(Windows.DIGEST_B), 1);
    assertThat(health().keySet())
        .containsExactlyInAnyOrder(window(0, Windows.DIGEST_A), window(0, Windows.DIGEST_B));
  }

  @Test
  void a_device_is_counted_once_per_window_however_it_changes_artifacts() {
    for (long seq = 1; seq <= 8; seq++) {
      send(
          Windows.of("d1", seq)
              .setRunningSha256(seq % 2 == 0 ? Windows.DIGEST_B : Windows.DIGEST_A),
          1);
    }
    assertThat(health().values()).hasSize(2).allMatch(counts -> counts.devices() == 1);
  }

  @Test
  void repeated_records_add_nothing_and_are_counted() {
    send(Windows.of("d1", 1), 0);
    send(Windows.of("d1", 1), 1);
    send(Windows.of("d1", 1), 2);
    assertThat(health().values()).singleElement().matches(counts -> counts.inferences() == 10);
    assertThat(ledger("d1").loss()).isEqualTo(new TelemetryLoss(1, 1, 0, 2, 0));
  }

  @Test
  void events_share_the_sequence_and_are_no_gap() {
    send(Windows.of("d1", 1), 0);
    events.pipeInput(
        "d1",
        DeviceEvent.newBuilder()
            .setDeviceId("d1")
            .setSpoolId("spool-d1")
            .setSeq(2)
            .setKind("boot")
            .build()
            .toByteArray(),
        START);
    send(Windows.of("d1", 3), 1);
    assertThat(ledger("d1").loss()).isEqualTo(new TelemetryLoss(3, 3, 0, 0, 0));
  }

  @Test
  void hostile_bytes_are_counted_and_the_next_record_is_read() {
    Random random = new Random(11);
    byte[] noise = new byte[300];
    random.nextBytes(noise);
    telemetry.pipeInput("d1", noise, START);
    telemetry.pipeInput("d1", new byte[0], START);
    telemetry.pipeInput(new org.apache.kafka.streams.test.TestRecord<>("d1", null, START));
    telemetry.pipeInput(
        new org.apache.kafka.streams.test.TestRecord<>(
            null, Windows.of("d1", 1).build().toByteArray(), START));
    telemetry.pipeInput("d2", Windows.of("d1", 1).build().toByteArray(), START);
    send(Windows.of("d1", 0), 0);
    send(Windows.of("d1", -1), 0);
    send(Windows.of("d1", Long.MAX_VALUE), 0);
    send(Windows.of("d1", 1).setSpoolId(""), 0);
    assertThat(refused).hasSize(9);
    assertThat(health()).isEmpty();

    send(Windows.of("d1", 1), 0);
    assertThat(health()).hasSize(1);
    assertThat(ledger("d1").loss()).isEqualTo(new TelemetryLoss(1, 1, 0, 0, 0));
  }

  @Test
  void contents_that_contradict_themselves_are_received_but_not_believed() {
    List<TelemetryWindow.Builder> lies =
        List.of(
            Windows.of("d1", 1).setInferences(-1),
            Windows.of("d1", 2).setErrors(11),
            Windows.of("d1", 3).setFeedbackCorrect(5),
            Windows.of("d1", 4).setConfidenceSum(Double.NaN),
            Windows.of("d1", 5).setConfidenceSum(11),
            Windows.of("d1", 6).setLatencyHistogram(0, 1),
            Windows.of("d1", 7).addLatencyHistogram(0),
            Windows.of("d1", 8).setLatencyHistogram(0, Long.MAX_VALUE),
            Windows.of("d1", 9).addClassCounts(-3),
            Windows.of("d1", 10).setWave(-1),
            Windows.of("d1", 11).setRolloutId("ro|1"),
            Windows.of("d1", 12).setHardwareClass("X y"),
            Windows.of("d1", 13).setRunningSha256("zz"),
            Windows.of("d1", 14).setFeedbackCount(11),
            Windows.of("d1", 15).setDroppedRecords(-5));
    lies.forEach(lie -> send(lie, 0));
    assertThat(refused).hasSize(lies.size());
    assertThat(health()).isEmpty();
    assertThat(ledger("d1").loss()).isEqualTo(new TelemetryLoss(15, 15, 0, 0, 0));
  }

  @Test
  void a_device_that_runs_nothing_is_heard_and_measures_nothing() {
    send(TelemetryWindow.newBuilder().setDeviceId("d1").setSpoolId("spool-d1").setSeq(1), 0);
    assertThat(refused).isEmpty();
    assertThat(health()).isEmpty();
    assertThat(ledger("d1").loss()).isEqualTo(new TelemetryLoss(1, 1, 0, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void sums_do_not_depend_on_order_or_repetition(long seed) {
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<TelemetryWindow> windows = new ArrayList<>();
    for (int device = 0; device < 5; device++) {
      for (long seq = 1; seq <= 20; seq++) {
        TelemetryWindow window = Windows.of("d" + device, seq).build();
        for (int copies = 1 + random.nextInt(3); copies > 0; copies--) {
          windows.add(window);
        }
      }
    }
    Collections.shuffle(windows, random);
    windows.forEach(window -> send(window.toBuilder(), 3));
    assertThat(health().values())
        .as("seed %d", seed)
        .singleElement()
        .matches(c -> c.inferences() == 1_000 && c.devices() == 5 && c.feedbackCorrect() == 300);
    for (int device = 0; device < 5; device++) {
      TelemetryLoss loss = ledger("d" + device).loss();
      assertThat(loss.received()).isEqualTo(20);
      assertThat(loss.lost()).isZero();
    }
  }

  private void send(TelemetryWindow.Builder window, long second) {
    telemetry.pipeInput(
        window.getDeviceId(), window.build().toByteArray(), START.plus(Duration.ofSeconds(second)));
  }

  private static String window(long second, String digest) {
    return START.plusSeconds(second).toEpochMilli() + " ro-1|0|x86_64-avx2-t1|" + digest;
  }

  private final Map<String, HealthCounts> read = new HashMap<>();
  private final Map<String, DeviceLedger> ledgers = new HashMap<>();

  private Map<String, HealthCounts> health() {
    var output =
        driver.createOutputTopic(
            Topics.HEALTH, new StringDeserializer(), new ByteArrayDeserializer());
    for (var record : output.readRecordsToList()) {
      try {
        TelemetryMapper.ReadWindow window = TelemetryMapper.healthWindow(record.value());
        assertThat(window.key().wire()).isEqualTo(record.key());
        read.put(window.startEpochMillis() + " " + record.key(), window.counts());
      } catch (TelemetryMapper.RefusedException e) {
        throw new AssertionError(e);
      }
    }
    return read;
  }

  private DeviceLedger ledger(String device) {
    var output =
        driver.createOutputTopic(
            Topics.LEDGERS, new StringDeserializer(), new ByteArrayDeserializer());
    for (var record : output.readRecordsToList()) {
      try {
        ledgers.put(record.key(), TelemetryMapper.ledger(record.value()));
      } catch (TelemetryMapper.RefusedException e) {
        throw new AssertionError(e);
      }
    }
    return requireNonNull(ledgers.get(device));
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put("application.id", "test");
    settings.put("bootstrap.servers", "unused:1");
    settings.put("state.dir", System.getProperty("java.io.tmpdir"));
    return settings;
  }
}
