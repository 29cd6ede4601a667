package io.stillhouse.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.List;
import org.junit.jupiter.api.Test;

class TelemetryWaveHealthTest {
  private static final RolloutId ROLLOUT = new RolloutId("ro-2");
  private static final HardwareClass CLASS = new HardwareClass("c");
  private static final Digest NEW = new Digest("b".repeat(64));
  private static final Digest OLD = new Digest("a".repeat(64));

  private final FleetHealth health = new FleetHealth();
  private final TelemetryWaveHealth source = new TelemetryWaveHealth(health);

  /** A device runs its old model under the new wave's name until it has swapped. */
  @Test
  void what_the_old_model_answers_before_the_swap_does_not_speak_for_the_new_one() {
    measured(OLD, 0, 200, 180);
    assertThat(source.wave(ROLLOUT, 0, CLASS, NEW)).isEmpty();
    measured(NEW, 10_000, 300, 3);
    assertThat(source.wave(ROLLOUT, 0, CLASS, NEW).map(WaveHealth::feedback))
        .hasValue(new WaveHealth.Feedback(300, 3));
  }

  @Test
  void what_the_fallback_answers_after_a_rollback_does_not_either() {
    measured(NEW, 0, 300, 3);
    measured(OLD, 10_000, 5_000, 4_500);
    assertThat(source.wave(ROLLOUT, 0, CLASS, NEW).map(WaveHealth::feedback))
        .hasValue(new WaveHealth.Feedback(300, 3));
  }

  private void measured(Digest running, long atMillis, long labelled, long correct) {
    health.takeWindow(
        new HealthKey(ROLLOUT.value(), 0, CLASS.name(), running.sha256Hex()),
        atMillis,
        new HealthCounts(
            labelled, 0, List.of(), 0, 1, labelled, correct, List.of(), BoardLoad.NONE));
  }
}
