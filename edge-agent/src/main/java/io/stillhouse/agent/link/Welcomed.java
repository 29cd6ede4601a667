package io.stillhouse.agent.link;

import java.time.Instant;
import java.util.Optional;

/**
 * What a coordinator says at the beginning of a session.
 *
 * @param telemetryBootstrap Kafka servers; empty when telemetry is not wanted
 * @param telemetryTls what they want to see of this device; empty: plain text
 * @param hardwareClass of this device now; empty when nothing is said
 * @param storeTime the coordinator's clock
 */
public record Welcomed(
    String telemetryBootstrap,
    String telemetryTopic,
    Optional<BrokerTls> telemetryTls,
    String hardwareClass,
    Instant storeTime) {}
