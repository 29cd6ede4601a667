package io.stillhouse.server;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.broker.EmbeddedKafka;
import io.stillhouse.server.broker.KafkaAccess;
import io.stillhouse.server.broker.Revocations;
import io.stillhouse.server.broker.Topics;
import io.stillhouse.server.config.CoordinatorConfig;
import io.stillhouse.server.identity.BrokerIdentity;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.identity.TrustFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The Kafka that a configuration asks for: one in this process, or a cluster of the operator's. */
final class TelemetryBroker {
  private final CoordinatorConfig.Kafka kafka;
  private final Path directory;
  private final Endpoints endpoints;
  private final RunningParts parts;

  /**
   * A broker that has not been started.
   *
   * @param directory of the embedded one's log
   * @param parts which what is started joins
   */
  TelemetryBroker(
      CoordinatorConfig.Kafka kafka, Path directory, Endpoints endpoints, RunningParts parts) {
    this.kafka = kafka;
    this.directory = directory;
    this.endpoints = endpoints;
    this.parts = parts;
  }

  /**
   * Starts it if it is ours, and makes the topics that are missing.
   *
   * @param revoked all devices that are revoked now; asked again and again
   */
  KafkaAccess start(Pki pki, Supplier<List<DeviceId>> revoked) {
    if (kafka.embedded()) {
      return startOurs(pki, revoked);
    }
    String settings = kafka.security().client();
    KafkaAccess access =
        settings.isEmpty()
            ? KafkaAccess.plaintext(kafka.bootstrap())
            : KafkaAccess.ofFile(kafka.bootstrap(), Path.of(settings));
    Topics.ensure(access);
    return access;
  }

  private KafkaAccess startOurs(Pki pki, Supplier<List<DeviceId>> revoked) {
    String advertised = Endpoints.advertisedKafkaHost(kafka);
    Optional<BrokerIdentity> identity =
        kafka.devicesUseTls()
            ? Optional.of(pki.broker(List.of(withoutBrackets(advertised))))
            : Optional.empty();
    EmbeddedKafka broker =
        EmbeddedKafka.start(
            directory,
            new EmbeddedKafka.Listen(
                kafka.host(), advertised, endpoints.kafkaPort(), endpoints.controllerPort()),
            identity);
    parts.add("broker", broker);
    parts.show("broker", () -> !broker.failed());
    if (identity.isPresent()) {
      Topics.ensureForDevices(broker.access());
      parts.add("revocations", Revocations.start(broker.access(), revoked));
    } else {
      Topics.ensure(broker.access());
    }
    return broker.access();
  }

  /** As certificates write an address of IPv6. */
  private static String withoutBrackets(String host) {
    return host.replaceAll("^\\[|]$", "");
  }

  /** Whom devices believe at the brokers; empty when they speak plain text with them. */
  Optional<String> trust() {
    String file = kafka.security().deviceTrust();
    if (!kafka.devicesUseTls()) {
      return Optional.empty();
    }
    return Optional.of(
        file.isEmpty() ? "" : TrustFile.read("kafka.security.deviceTrust", Path.of(file)));
  }
}
