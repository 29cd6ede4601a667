package io.stillhouse.server.device;

import java.time.Duration;

/**
 * What every device is told when its session begins.
 *
 * @param telemetryBootstrap Kafka's address as devices reach it
 */
public record DeviceLink(
    Duration heartbeatInterval, String telemetryBootstrap, String telemetryTopic) {
  public DeviceLink {
    if (heartbeatInterval.toMillis() < 100) {
      throw new IllegalArgumentException(
          "heartbeatInterval: " + heartbeatInterval + " (expected: at least 100 ms)");
    }
  }
}
