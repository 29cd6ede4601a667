package io.stillhouse.agent.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.link.Address;
import io.stillhouse.agent.link.BrokerTls;
import io.stillhouse.agent.link.Identity;
import io.stillhouse.agent.testing.TestAuthority;
import java.security.KeyPair;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.Test;

class BrokerTlsEnginesTest {
  private final TestAuthority authority = new TestAuthority();
  private final KeyPair keys = TestAuthority.newKeys();
  private final Identity identity =
      new Identity(
          new Identity.Place(new Address("127.0.0.1", 1), "press-7", "class-1"),
          keys.getPrivate(),
          authority.device(keys.getPublic(), "press-7"),
          authority.certificate(),
          List.of());

  @Test
  void a_broker_must_bear_the_name_by_which_it_was_dialled_whatever_is_configured() {
    try (BrokerTlsEngines engines = new BrokerTlsEngines()) {
      engines.configure(BrokerTlsEngines.settings(new BrokerTls(identity, "")));
      var engine = engines.createClientSslEngine("broker.example", 9092, "");
      assertThat(engine.getUseClientMode()).isTrue();
      assertThat(engine.getPeerHost()).isEqualTo("broker.example");
      assertThat(engine.getSSLParameters().getEndpointIdentificationAlgorithm()).isEqualTo("HTTPS");
    }
  }

  @Test
  void the_kafka_client_is_made_with_it_and_not_without_sound_authorities() {
    KafkaTarget sound =
        new KafkaTarget("127.0.0.1:1", "windows", Optional.of(new BrokerTls(identity, "")));
    try (var producer = KafkaDrain.producer(sound)) {
      assertThat(producer.metrics()).isNotEmpty();
    }
    KafkaTarget broken =
        new KafkaTarget("127.0.0.1:1", "windows", Optional.of(new BrokerTls(identity, "none")));
    assertThatThrownBy(() -> KafkaDrain.producer(broken).close())
        .isInstanceOf(KafkaException.class)
        .hasStackTraceContaining("TLS towards Kafka cannot be prepared");
  }

  @Test
  void what_was_not_said_is_an_error() {
    try (BrokerTlsEngines engines = new BrokerTlsEngines()) {
      assertThatThrownBy(() -> engines.configure(Map.of())).isInstanceOf(ConfigException.class);
    }
  }
}
