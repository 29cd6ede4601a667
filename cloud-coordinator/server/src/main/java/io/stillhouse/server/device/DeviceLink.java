package io.stillhouse.server.device;

import java.time.Duration;
import java.util.Optional;

/**
 * What every device is told when its session begins.
 *
 * @param telemetryBootstrap Kafka's address as devices reach it
 * @param telemetryTrust with TLS, PEM certificates of whom they believe there, no text for the
 *     fleet's own authority; empty: they speak plain text
 */
public record DeviceLink(
    Duration heartbeatInterval,
    String telemetryBootstrap,
    String telemetryTopic,
    Optional<String> telemetryTrust) {
  public DeviceLink {
    if (heartbeatInterval.toMillis() < 100) {
      throw new IllegalArgumentException(
          "heartbeatInterval: " + heartbeatInterval + " (expected: at least 100 ms)");
    }
  }
}
