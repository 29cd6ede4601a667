package io.stillhouse.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.telemetry.BoardLoad;
import io.stillhouse.server.telemetry.HealthKey;
import io.stillhouse.server.telemetry.HeardFleet;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class FleetMetersTest {
  private static final HealthKey TRIAL = new HealthKey("ro-1", 0, "small", "a".repeat(64));
  private static final HealthKey PLAIN = new HealthKey("", 0, "large", "b".repeat(64));

  private final HeardFleet fleet = new HeardFleet();

  @Test
  void what_live_models_and_boards_measure_is_told_by_class_rollout_wave_and_artifact() {
    fleet.window(TRIAL, 0, 40, new BoardLoad(2, 1.5, 300e6, 1, 61));
    fleet.window(TRIAL, 10_000, 40, new BoardLoad(2, 0.5, 100e6, 0, 0));
    fleet.window(PLAIN, 10_000, 20, BoardLoad.NONE);
    String trial =
        "{artifact=\"aaaaaaaaaaaa\",hardware_class=\"small\",rollout=\"ro-1\",wave=\"1\"} ";
    String plain =
        "{artifact=\"bbbbbbbbbbbb\",hardware_class=\"large\",rollout=\"none\",wave=\"none\"} ";
    assertThat(scrape())
        .contains("stillhouse_fleet_inferences" + trial + "80.0")
        .contains("stillhouse_fleet_inferences" + plain + "20.0")
        .contains("stillhouse_fleet_errors_inferences" + trial + "8.0")
        .contains("stillhouse_fleet_latency_p50_microseconds" + trial + "500.0")
        .contains("stillhouse_fleet_latency_p99_microseconds" + trial + "500.0")
        .contains("stillhouse_fleet_accuracy_ratio" + trial + "0.5")
        .contains("stillhouse_fleet_labelled_inferences" + trial + "40.0")
        .contains("stillhouse_fleet_cpu_cores" + trial + "0.5")
        .contains("stillhouse_fleet_resident_bytes" + trial + "1.0E8")
        .contains("stillhouse_fleet_temperature_celsius" + trial + "61.0")
        .contains("stillhouse_fleet_groups 2.0")
        .as("a board that tells nothing has no row")
        .noneMatch(line -> line.startsWith("stillhouse_fleet_cpu_cores" + plain));
  }

  @Test
  void a_group_that_fell_silent_has_no_row_and_rows_are_bounded() {
    fleet.window(PLAIN, 0, 20, BoardLoad.NONE);
    long later = Duration.ofHours(1).toMillis();
    for (int wave = 0; wave <= FleetMeters.GROUPS_MAX; wave++) {
      fleet.window(new HealthKey("ro-2", wave, "small", ""), later, 10, BoardLoad.NONE);
    }
    List<String> lines = scrape();
    assertThat(lines)
        .filteredOn(line -> line.startsWith("stillhouse_fleet_inferences{"))
        .hasSize(FleetMeters.GROUPS_MAX)
        .noneMatch(line -> line.contains("large"));
    assertThat(lines).contains("stillhouse_fleet_groups 201.0");
  }

  private List<String> scrape() {
    try (CoordinatorMetrics metrics = new CoordinatorMetrics()) {
      metrics.watch(fleet.health);
      return metrics.scrape().lines().toList();
    }
  }
}
