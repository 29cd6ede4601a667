package io.stillhouse.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class FleetHealthTest {
  private static final HealthKey KEY = new HealthKey("ro-1", 0, "c", "a".repeat(64));

  @Test
  void a_later_record_of_the_same_window_replaces_the_earlier_one() {
    FleetHealth health = new FleetHealth();
    health.takeWindow(KEY, 0, inferences(10));
    health.takeWindow(KEY, 0, inferences(25));
    health.takeWindow(KEY, 10_000, inferences(5));
    assertThat(health.wave("ro-1", 0, "c", "a".repeat(64)).inferences()).isEqualTo(30);
    assertThat(health.wave("ro-1", 1, "c", "a".repeat(64))).isEqualTo(HealthCounts.NONE);
  }

  @Test
  void old_windows_are_folded_into_the_sum() {
    FleetHealth health = new FleetHealth();
    for (int w = 0; w < 10_000; w++) {
      health.takeWindow(KEY, w * 10_000L, inferences(1));
      health.takeWindow(KEY, w * 10_000L, inferences(2));
    }
    assertThat(health.wave("ro-1", 0, "c", "a".repeat(64)).inferences()).isEqualTo(20_000);
  }

  @Test
  void a_baseline_adds_the_rollouts_of_one_artifact_and_class() {
    FleetHealth health = new FleetHealth();
    health.takeWindow(KEY, 0, inferences(1));
    health.takeWindow(new HealthKey("ro-2", 1, "c", "a".repeat(64)), 0, inferences(2));
    health.takeWindow(new HealthKey("ro-2", 1, "other", "a".repeat(64)), 0, inferences(4));
    health.takeWindow(new HealthKey("ro-2", 1, "c", "b".repeat(64)), 0, inferences(8));
    assertThat(health.baseline("a".repeat(64), "c").inferences()).isEqualTo(3);
  }

  @Test
  void groups_stay_bounded_and_the_one_heard_longest_ago_goes() {
    FleetHealth health = new FleetHealth();
    for (int r = 0; r <= FleetHealth.GROUPS_MAX; r++) {
      health.takeWindow(new HealthKey("ro-" + r, 0, "c", ""), r, inferences(1));
    }
    assertThat(health.rows()).hasSize(FleetHealth.GROUPS_MAX);
    assertThat(health.wave("ro-0", 0, "c", "")).isEqualTo(HealthCounts.NONE);
    assertThat(health.wave("ro-1", 0, "c", "").inferences()).isEqualTo(1);
  }

  private static HealthCounts inferences(long count) {
    return new HealthCounts(count, 0, List.of(), 0, 1, 0, 0, List.of(), BoardLoad.NONE);
  }
}
