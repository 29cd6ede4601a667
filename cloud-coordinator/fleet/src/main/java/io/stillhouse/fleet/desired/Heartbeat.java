package io.stillhouse.fleet.desired;

import io.stillhouse.model.Digest;
import java.time.Instant;
import java.util.Optional;

/**
 * The latest sign of life of a device.
 *
 * @param generation the newest generation the device knows
 * @param running what answers requests at this moment
 * @param at store time of arrival
 */
public record Heartbeat(String bootId, long generation, Optional<Digest> running, Instant at) {}
