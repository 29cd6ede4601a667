package io.stillhouse.agent.link;

import java.time.Instant;

/**
 * What a coordinator says at the beginning of a session.
 *
 * @param telemetryBootstrap Kafka servers; empty when telemetry is not wanted
 * @param hardwareClass of this device now; empty when nothing is said
 * @param storeTime the coordinator's clock
 */
public record Welcomed(
    String telemetryBootstrap, String telemetryTopic, String hardwareClass, Instant storeTime) {}
