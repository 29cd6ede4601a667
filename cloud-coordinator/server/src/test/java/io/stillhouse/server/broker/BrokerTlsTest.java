package io.stillhouse.server.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.server.identity.BrokerIdentity;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.testing.DeviceKafka;
import io.stillhouse.server.testing.ServingChild;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class BrokerTlsTest {
  @TempDir Path directory = Path.of("");

  @Test
  void a_device_may_write_where_devices_write_and_do_nothing_else() throws Exception {
    Pki pki = pki("ours");
    try (EmbeddedKafka broker = start(Brokers.listen(), Optional.of(pki.broker(List.of())))) {
      Topics.ensureForDevices(broker.access());
      Topics.ensureForDevices(broker.access());
      KafkaAccess device = device(pki, broker.bootstrap());
      produce(device, Topics.TELEMETRY, "window");
      produce(device, Topics.EVENTS, "event");
      assertThat(read(broker.access(), Topics.TELEMETRY, 1)).containsExactly("window");
      assertThat(read(broker.access(), Topics.EVENTS, 1)).containsExactly("event");

      assertThatThrownBy(() -> produce(device, Topics.HEALTH, "all is well"))
          .hasCauseInstanceOf(TopicAuthorizationException.class);
      assertThatThrownBy(() -> read(device, Topics.TELEMETRY, 1))
          .isInstanceOf(TopicAuthorizationException.class);
      try (Admin admin = Admin.create(device.settings(Map.of()))) {
        assertThatThrownBy(() -> admin.deleteTopics(List.of(Topics.TELEMETRY)).all().get())
            .hasCauseInstanceOf(TopicAuthorizationException.class);
        assertThat(admin.listTopics().names().get())
            .containsExactlyInAnyOrder(Topics.TELEMETRY, Topics.EVENTS);
      }
    }
  }

  @Test
  void strangers_are_not_let_in() throws Exception {
    Pki pki = pki("ours");
    Pki other = pki("theirs");
    EmbeddedKafka.Listen listen = Brokers.listen();
    try (EmbeddedKafka broker = start(listen, Optional.of(pki.broker(List.of())))) {
      Topics.ensureForDevices(broker.access());
      // Of another fleet, but believing our broker: it is the broker that refuses.
      Map<String, String> foreign = new HashMap<>(device(other, broker.bootstrap()).security());
      foreign.put("ssl.truststore.certificates", pki.broker(List.of()).authorityPem());
      assertThatThrownBy(
              () ->
                  produce(new KafkaAccess(broker.bootstrap(), foreign), Topics.TELEMETRY, "forged"))
          .hasRootCauseInstanceOf(javax.net.ssl.SSLHandshakeException.class);
      foreign.keySet().removeIf(key -> key.startsWith("ssl.keystore"));
      assertThatThrownBy(
              () ->
                  produce(new KafkaAccess(broker.bootstrap(), foreign), Topics.TELEMETRY, "forged"))
          .hasStackTraceContaining(SslAuthenticationException.class.getSimpleName());
      for (int port : List.of(listen.port(), listen.controllerPort())) {
        assertThatThrownBy(
                () ->
                    produce(KafkaAccess.plaintext("127.0.0.1:" + port), Topics.TELEMETRY, "forged"))
            .hasCauseInstanceOf(TimeoutException.class);
      }
      // And a device of ours does not take another fleet's broker for its own.
      Map<String, String> deceived = new HashMap<>(device(pki, broker.bootstrap()).security());
      deceived.put("ssl.truststore.certificates", other.broker(List.of()).authorityPem());
      assertThatThrownBy(
              () ->
                  produce(new KafkaAccess(broker.bootstrap(), deceived), Topics.TELEMETRY, "lost"))
          .hasCauseInstanceOf(SslAuthenticationException.class);
      produce(device(pki, broker.bootstrap()), Topics.TELEMETRY, "genuine");
      assertThat(read(broker.access(), Topics.TELEMETRY, 1)).containsExactly("genuine");
    }
  }

  @Test
  void one_log_is_served_with_and_without_tls_and_through_a_kill() throws Exception {
    EmbeddedKafka.Listen listen = Brokers.listen();
    Pki pki = pki("ours");
    try (EmbeddedKafka open = start(listen, Optional.empty())) {
      Topics.ensure(open.access());
      produce(open.access(), Topics.TELEMETRY, "in the open");
    }
    Process child =
        ServingChild.start(
            BrokerChild.class,
            directory.resolve("kafka").toString(),
            String.valueOf(listen.port()),
            String.valueOf(listen.controllerPort()),
            directory.resolve("ours").toString());
    try {
      produce(
          KafkaAccess.tls("127.0.0.1:" + listen.port(), pki.broker(List.of())),
          Topics.TELEMETRY,
          "before the kill");
    } finally {
      child.destroyForcibly();
      assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    try (EmbeddedKafka guarded = start(listen, Optional.of(pki.broker(List.of())))) {
      Topics.ensureForDevices(guarded.access());
      produce(device(pki, guarded.bootstrap()), Topics.TELEMETRY, "guarded");
      assertThat(read(guarded.access(), Topics.TELEMETRY, 3))
          .containsExactlyInAnyOrder("in the open", "before the kill", "guarded");
    }
    try (EmbeddedKafka open = start(listen, Optional.empty())) {
      produce(open.access(), Topics.TELEMETRY, "open again");
      assertThat(read(open.access(), Topics.TELEMETRY, 4)).contains("open again");
    }
  }

  private EmbeddedKafka start(EmbeddedKafka.Listen listen, Optional<BrokerIdentity> identity) {
    return EmbeddedKafka.start(directory.resolve("kafka"), listen, identity);
  }

  private Pki pki(String name) {
    return Pki.open(directory.resolve(name), List.of(), InstantSource.system(), new SecureRandom());
  }

  /** As an enrolled device comes. */
  private static KafkaAccess device(Pki pki, String bootstrap) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair keys = generator.generateKeyPair();
    byte[] certificate = pki.authority().signDevice(keys.getPublic(), "d-1").getEncoded();
    return new KafkaAccess(
        bootstrap,
        DeviceKafka.security(keys.getPrivate(), certificate, pki.broker(List.of()).authorityPem()));
  }

  private static void produce(KafkaAccess access, String topic, String value) throws Exception {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            access.settings(Map.of("acks", "all", "max.block.ms", "3000")),
            new StringSerializer(),
            new StringSerializer())) {
      producer.send(new ProducerRecord<>(topic, "d-1", value)).get(30, TimeUnit.SECONDS);
    }
  }

  private static Set<String> read(KafkaAccess access, String topic, int count) {
    Set<String> values = new HashSet<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            access.settings(Map.of("client.id", "reader")),
            new StringDeserializer(),
            new StringDeserializer())) {
      List<TopicPartition> all =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (values.size() < count) {
        consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
      }
    }
    return values;
  }
}
