package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.link.BrokerTls;
import java.util.Optional;

/**
 * Where telemetry goes, as the coordinator's Welcome says.
 *
 * @param tls empty: in plain text
 */
public record KafkaTarget(String bootstrapServers, String telemetryTopic, Optional<BrokerTls> tls) {
  /** Topic of device events. */
  public static final String EVENTS_TOPIC = "stillhouse.events.v1";

  public KafkaTarget {
    if (bootstrapServers.isBlank() || telemetryTopic.isBlank()) {
      throw new IllegalArgumentException(
          "target: \"%s\", topic \"%s\" (expected: neither is blank)"
              .formatted(bootstrapServers, telemetryTopic));
    }
  }
}
