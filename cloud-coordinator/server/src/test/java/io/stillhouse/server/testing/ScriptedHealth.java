package io.stillhouse.server.testing;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.server.rollout.WaveHealthSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What live models measure, as a test says. Thread-safe. */
public final class ScriptedHealth implements WaveHealthSource {
  private final Map<RolloutId, WaveHealth> observed = new ConcurrentHashMap<>();
  private final Set<RolloutId> broken = ConcurrentHashMap.newKeySet();

  /** Every wave of this rollout measures this accuracy over many labelled inferences. */
  public void accuracy(String rollout, double accuracy) {
    observed.put(
        new RolloutId(rollout),
        new WaveHealth(
            1_000,
            0,
            new WaveHealth.Feedback(1_000, Math.round(1_000 * accuracy)),
            new LatencyHistogram(List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 1_000L)),
            OptionalDouble.of(0.8)));
  }

  /** Nothing can be made of this rollout: whoever asks what it measures gets an exception. */
  public void breaks(String rollout) {
    broken.add(new RolloutId(rollout));
  }

  /** What was broken is well again. */
  public void mends(String rollout) {
    broken.remove(new RolloutId(rollout));
  }

  @Override
  public Optional<WaveHealth> wave(
      RolloutId rollout, int wave, HardwareClass hardwareClass, Digest artifact) {
    if (broken.contains(rollout)) {
      throw new IllegalStateException("nothing can be made of " + rollout);
    }
    return hardwareClass.equals(Fixtures.profile(1).hardwareClass())
        ? Optional.ofNullable(observed.get(rollout))
        : Optional.empty();
  }

  @Override
  public Optional<WaveHealth> baseline(Digest artifact, HardwareClass hardwareClass) {
    return Optional.empty();
  }
}
