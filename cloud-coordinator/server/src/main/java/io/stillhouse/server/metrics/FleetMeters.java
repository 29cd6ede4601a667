package io.stillhouse.server.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.telemetry.FleetHealth.Heard;
import io.stillhouse.server.telemetry.HealthKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * What live models and their boards measure, by hardware class, rollout, wave and artifact. A value
 * that nothing was measured for has no row: a rate that is not known must not read as zero.
 */
final class FleetMeters {
  /** Groups with rows of their own, those heard last first. */
  static final int GROUPS_MAX = 200;

  private static final int ARTIFACT_CHARS = 12;

  private final FleetHealth health;
  private final Map<MultiGauge, Function<Heard, OptionalDouble>> gauges = new LinkedHashMap<>();

  FleetMeters(FleetHealth health, MeterRegistry registry) {
    this.health = health;
    add(
        registry,
        "inferences",
        "inferences",
        "Inferences since the group was first heard",
        h -> OptionalDouble.of((double) h.total().inferences()));
    add(
        registry,
        "errors",
        "inferences",
        "Of these, failed ones",
        h -> OptionalDouble.of((double) h.total().errors()));
    add(
        registry,
        "latency.p50",
        "microseconds",
        "Median inference time, lately",
        h -> widened(h.lately().latencyP50Micros()));
    add(
        registry,
        "latency.p99",
        "microseconds",
        "99th percentile of inference time, lately",
        h -> widened(h.lately().latencyP99Micros()));
    add(
        registry,
        "accuracy",
        "ratio",
        "Right answers among labelled ones since first heard",
        h -> h.total().accuracy());
    add(
        registry,
        "labelled",
        "inferences",
        "Labelled answers since first heard",
        h -> OptionalDouble.of((double) h.total().feedbackCount()));
    add(
        registry,
        "cpu",
        "cores",
        "Mean processor use of an agent, lately",
        h -> h.lately().load().cpuShare());
    add(
        registry,
        "resident",
        "bytes",
        "Mean resident memory of an agent, lately",
        h -> h.lately().load().residentBytes());
    add(
        registry,
        "temperature",
        "celsius",
        "Mean temperature of boards that have a sensor, lately",
        h -> h.lately().load().temperatureCelsius());
    Gauge.builder("stillhouse.fleet.groups", health, FleetHealth::heardGroups)
        .description("Groups heard lately; of more than " + GROUPS_MAX + " the latest have rows")
        .register(registry);
  }

  private void add(
      MeterRegistry registry,
      String name,
      String unit,
      String description,
      Function<Heard, OptionalDouble> value) {
    gauges.put(
        MultiGauge.builder("stillhouse.fleet." + name)
            .baseUnit(unit)
            .description(description)
            .register(registry),
        value);
  }

  /** Shows what is known now; rows of groups that fell silent go. */
  void refresh() {
    List<Heard> heard = health.heard(GROUPS_MAX);
    gauges.forEach(
        (gauge, value) -> {
          List<MultiGauge.Row<?>> rows = new ArrayList<>();
          for (Heard group : heard) {
            value.apply(group).ifPresent(v -> rows.add(MultiGauge.Row.of(tags(group.key()), v)));
          }
          gauge.register(rows, true);
        });
  }

  private static Tags tags(HealthKey key) {
    boolean trial = !key.rollout().isEmpty();
    return Tags.of(
        "hardware.class", key.hardwareClass(),
        "rollout", trial ? key.rollout() : "none",
        "wave", trial ? Integer.toString(key.wave() + 1) : "none",
        "artifact", key.digest().isEmpty() ? "none" : key.digest().substring(0, ARTIFACT_CHARS));
  }

  private static OptionalDouble widened(OptionalLong value) {
    return value.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of((double) value.getAsLong());
  }
}
