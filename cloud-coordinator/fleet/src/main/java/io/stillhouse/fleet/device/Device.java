package io.stillhouse.fleet.device;

import io.stillhouse.model.profile.HardwareClass;

/**
 * A device on record.
 *
 * @param name for people; unique in the fleet
 * @param revoked refused for ever: it gets no offers and nobody waits for it
 */
public record Device(DeviceId id, String name, HardwareClass hardwareClass, boolean revoked) {}
