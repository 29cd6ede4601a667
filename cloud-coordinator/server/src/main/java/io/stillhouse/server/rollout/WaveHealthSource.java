package io.stillhouse.server.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.Optional;

/**
 * What live models measure, as telemetry tells it. Telemetry that is late or lost makes a gate
 * inconclusive, never healthy, so an implementation says only what it has heard. Thread-safe;
 * called about once a second for each rollout under way.
 */
public interface WaveHealthSource {
  /**
   * What the devices of a class have measured with an artifact since their wave opened; empty while
   * nothing was heard. What they measure with any other artifact is no evidence about this one.
   */
  Optional<WaveHealth> wave(
      RolloutId rollout, int wave, HardwareClass hardwareClass, Digest artifact);

  /**
   * What devices of a class have measured with an artifact in all windows that are still kept,
   * those of its own rollout included: the baseline of the next one.
   */
  Optional<WaveHealth> baseline(Digest artifact, HardwareClass hardwareClass);
}
