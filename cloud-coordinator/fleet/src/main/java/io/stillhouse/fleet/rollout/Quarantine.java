package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Instant;

/** A digest that must not be offered to a hardware class again, and who found out. */
public record Quarantine(
    Digest digest, HardwareClass hardwareClass, RolloutId rollout, String reason, Instant since) {}
