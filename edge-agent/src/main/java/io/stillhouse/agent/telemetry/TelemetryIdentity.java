package io.stillhouse.agent.telemetry;

/**
 * Who speaks.
 *
 * @param bootId fresh at each agent start
 */
public record TelemetryIdentity(String deviceId, String bootId) {}
