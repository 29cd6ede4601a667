package io.stillhouse.agent.telemetry;

/** Where telemetry goes, as the coordinator's Welcome says. */
public record KafkaTarget(String bootstrapServers, String telemetryTopic) {
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
