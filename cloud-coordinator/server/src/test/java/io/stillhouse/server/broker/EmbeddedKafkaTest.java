package io.stillhouse.server.broker;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.ServingChild;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class EmbeddedKafkaTest {
  @TempDir Path directory = Path.of("");

  @Test
  void acknowledged_records_survive_a_restart_and_a_kill() throws Exception {
    EmbeddedKafka.Listen listen = Brokers.listen();
    try (EmbeddedKafka broker = EmbeddedKafka.start(directory, listen)) {
      Topics.ensure(broker.access());
      produce(broker.bootstrap(), "first", 0, 10);
    }
    Process child = startChild(listen);
    try {
      produce("127.0.0.1:" + listen.port(), "second", 10, 500);
    } finally {
      child.destroyForcibly();
      assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    try (EmbeddedKafka broker = EmbeddedKafka.start(directory, listen)) {
      Topics.ensure(broker.access());
      List<String> read = readAll(broker.bootstrap(), 510);
      assertThat(read).hasSize(510).doesNotHaveDuplicates().contains("first-0", "second-509");
      assertThat(broker.failed()).isFalse();
    }
  }

  @Test
  void a_transaction_that_a_kill_left_open_does_not_hold_readers_back() throws Exception {
    EmbeddedKafka.Listen listen = Brokers.listen();
    Process child = startChild(listen);
    String bootstrap = "127.0.0.1:" + listen.port();
    TopicPartition partition = new TopicPartition(Topics.TELEMETRY, 0);
    try {
      Topics.ensure(KafkaAccess.plaintext(bootstrap));
      // Not closed in good order: it died with its coordinator.
      KafkaProducer<String, String> producer =
          new KafkaProducer<>(
              Map.of(
                  "bootstrap.servers", bootstrap,
                  "transactional.id", "killed",
                  "transaction.timeout.ms", "100"),
              new StringSerializer(),
              new StringSerializer());
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(partition.topic(), 0, "d", "never-committed")).get();
      child.destroyForcibly();
      producer.close(Duration.ZERO);
    } finally {
      child.destroyForcibly();
      assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    try (EmbeddedKafka broker = EmbeddedKafka.start(directory, listen);
        KafkaProducer<String, String> producer =
            new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrap()),
                new StringSerializer(),
                new StringSerializer());
        KafkaConsumer<String, String> committed =
            new KafkaConsumer<>(
                Map.of(
                    "bootstrap.servers", broker.bootstrap(), "isolation.level", "read_committed"),
                new StringDeserializer(),
                new StringDeserializer())) {
      producer.send(new ProducerRecord<>(partition.topic(), 0, "d", "after")).get();
      committed.assign(List.of(partition));
      committed.seekToBeginning(List.of(partition));
      List<String> read = new ArrayList<>();
      Eventually.holds(
          "the record behind the open transaction is read",
          () -> {
            committed.poll(Duration.ofMillis(200)).forEach(record -> read.add(record.value()));
            return !read.isEmpty();
          });
      assertThat(read).containsExactly("after");
    }
  }

  @Test
  void topics_are_made_once_with_the_brokers_time_and_bounds() throws Exception {
    try (EmbeddedKafka broker = EmbeddedKafka.start(directory, Brokers.listen());
        Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
      Topics.ensure(broker.access());
      Topics.ensure(broker.access());
      var described =
          admin
              .describeTopics(List.of(Topics.TELEMETRY, Topics.EVENTS, Topics.HEALTH))
              .allTopicNames()
              .get();
      assertThat(requireNonNull(described.get(Topics.TELEMETRY)).partitions()).hasSize(4);
      assertThat(requireNonNull(described.get(Topics.EVENTS)).partitions()).hasSize(4);
      ConfigResource telemetry = new ConfigResource(ConfigResource.Type.TOPIC, Topics.TELEMETRY);
      var config =
          requireNonNull(admin.describeConfigs(List.of(telemetry)).all().get().get(telemetry));
      assertThat(config.get("message.timestamp.type").value()).isEqualTo("LogAppendTime");
      assertThat(config.get("retention.bytes").value()).isEqualTo(String.valueOf(64L << 20));
    }
  }

  @Test
  void a_taken_port_is_one_line() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      EmbeddedKafka.Listen listen =
          new EmbeddedKafka.Listen(
              "127.0.0.1", "127.0.0.1", taken.getLocalPort(), Brokers.freePort());
      assertThatThrownBy(() -> EmbeddedKafka.start(directory, listen))
          .isInstanceOf(CoordinatorException.class)
          .hasMessageContaining("port " + taken.getLocalPort())
          .hasMessageContaining("kafka.port");
    }
  }

  private Process startChild(EmbeddedKafka.Listen listen) throws IOException {
    return ServingChild.start(
        BrokerChild.class,
        directory.toString(),
        String.valueOf(listen.port()),
        String.valueOf(listen.controllerPort()));
  }

  private static void produce(String bootstrap, String prefix, int from, int count)
      throws Exception {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrap, "acks", "all"),
            new StringSerializer(),
            new StringSerializer())) {
      List<java.util.concurrent.Future<?>> sent = new ArrayList<>();
      for (int i = from; i < from + count; i++) {
        sent.add(producer.send(new ProducerRecord<>(Topics.TELEMETRY, "d" + i, prefix + "-" + i)));
      }
      for (var future : sent) {
        future.get(30, TimeUnit.SECONDS);
      }
    }
  }

  private static List<String> readAll(String bootstrap, int count) {
    List<String> values = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrap),
            new StringDeserializer(),
            new StringDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      for (int i = 0; i < Topics.DEVICE_PARTITIONS; i++) {
        all.add(new TopicPartition(Topics.TELEMETRY, i));
      }
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (values.size() < count) {
        consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
      }
    }
    return values;
  }
}
