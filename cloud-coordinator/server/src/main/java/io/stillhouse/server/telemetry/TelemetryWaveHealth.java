package io.stillhouse.server.telemetry;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.server.rollout.WaveHealthSource;
import java.util.Optional;

/** {@link FleetHealth} in the words of the rollout engine. Thread-safe. */
public final class TelemetryWaveHealth implements WaveHealthSource {
  private final FleetHealth health;

  public TelemetryWaveHealth(FleetHealth health) {
    this.health = health;
  }

  @Override
  public Optional<WaveHealth> wave(
      RolloutId rollout, int wave, HardwareClass hardwareClass, Digest artifact) {
    HealthCounts counts =
        health.wave(rollout.value(), wave, hardwareClass.name(), artifact.sha256Hex());
    return counts.equals(HealthCounts.NONE) ? Optional.empty() : Optional.of(of(counts));
  }

  @Override
  public Optional<WaveHealth> baseline(Digest artifact, HardwareClass hardwareClass) {
    HealthCounts counts = health.baseline(artifact.sha256Hex(), hardwareClass.name());
    return counts.inferences() == 0 ? Optional.empty() : Optional.of(of(counts));
  }

  private static WaveHealth of(HealthCounts counts) {
    return new WaveHealth(
        counts.inferences(),
        counts.errors(),
        new WaveHealth.Feedback(counts.feedbackCount(), counts.feedbackCorrect()),
        new LatencyHistogram(counts.latency()),
        counts.meanConfidence());
  }
}
