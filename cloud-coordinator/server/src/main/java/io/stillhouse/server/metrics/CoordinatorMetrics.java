package io.stillhouse.server.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import io.micrometer.core.instrument.binder.kafka.KafkaStreamsMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.service.JobService;
import io.stillhouse.server.service.RolloutService;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.telemetry.TelemetryLoss;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.streams.KafkaStreams;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one registry of a coordinator, shared by Vert.x, gRPC, Kafka, the JVM and our own meters, and
 * what {@code /metrics} answers with. Thread-safe.
 *
 * <p>Our own meters are named {@code stillhouse.*}. Telemetry counters are what the whole fleet has
 * sent since its topics began, so they survive a restart of the coordinator.
 */
public final class CoordinatorMetrics implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CoordinatorMetrics.class);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private final List<Runnable> unbind = new CopyOnWriteArrayList<>();
  private final List<Runnable> refreshes = new CopyOnWriteArrayList<>();

  /** Meters refer weakly to what they measure, and a collected one reads NaN. */
  private final List<Object> watched = new CopyOnWriteArrayList<>();

  public CoordinatorMetrics() {
    // Their tags differ by kind of store, which Prometheus does not take.
    registry.config().meterFilter(MeterFilter.denyNameStartsWith("kafka.stream.state."));
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    gc.bindTo(registry);
  }

  /** For whoever has meters of its own. */
  public PrometheusMeterRegistry registry() {
    return registry;
  }

  /** Counts a telemetry record that was skipped. */
  public void telemetryRefused(String reason) {
    registry.counter("stillhouse.telemetry.refused", "reason", reason).increment();
  }

  /**
   * Shows a Kafka consumer's own metrics.
   *
   * @return what ends that: it holds a thread, so it must not outlive the consumer
   */
  public Runnable watch(KafkaConsumer<?, ?> consumer) {
    KafkaClientMetrics metrics = new KafkaClientMetrics(consumer);
    metrics.bindTo(registry);
    return metrics::close;
  }

  /** Shows Kafka Streams' own metrics. */
  public void watch(KafkaStreams streams) {
    KafkaStreamsMetrics metrics = new KafkaStreamsMetrics(streams);
    metrics.bindTo(registry);
    unbind.add(metrics::close);
  }

  /** Shows what live models and boards measure, and the account of telemetry records. */
  public void watch(FleetHealth health) {
    watched.add(health);
    refreshes.add(new FleetMeters(health, registry)::refresh);
    loss(health, "received", TelemetryLoss::received);
    loss(health, "duplicate", TelemetryLoss::duplicates);
    loss(health, "dropped", TelemetryLoss::dropped);
    // No counter: a record that was only late is lost no longer.
    Gauge.builder("stillhouse.telemetry.lost", health, h -> h.loss().lost())
        .description("Records missing without a reason")
        .baseUnit("records")
        .register(registry);
  }

  /** Shows how often the engine failed to see to a rollout or to a command. */
  public void watchFailures(LongSupplier rollouts) {
    watched.add(rollouts);
    FunctionCounter.builder("stillhouse.rollout.failures", rollouts, LongSupplier::getAsLong)
        .description("Steps of rollouts and commands that failed and are tried again")
        .register(registry);
  }

  /**
   * Shows devices by liveness, rollouts by status, waves by verdict and jobs by state.
   *
   * @param askable whether their database answers. While it does not they are left out at once: a
   *     scraper would not wait as long as the database does, and would lose every other meter too
   */
  public void watch(
      DeviceDirectory devices, RolloutService rollouts, JobService jobs, BooleanSupplier askable) {
    MultiGauge byLiveness = gauge("stillhouse.devices", "Enrolled devices");
    MultiGauge byStatus = gauge("stillhouse.rollouts", "Latest rollouts");
    MultiGauge byVerdict = gauge("stillhouse.rollout.waves", "Waves of the latest rollouts");
    MultiGauge byState = gauge("stillhouse.jobs", "Latest lab jobs");
    List<MultiGauge> asked = List.of(byLiveness, byStatus, byVerdict, byState);
    refreshes.add(
        () -> {
          // What cannot be asked has no rows, rather than those of before.
          asked.forEach(gauge -> gauge.register(List.of(), true));
          if (!askable.getAsBoolean()) {
            return;
          }
          show(
              byLiveness,
              "liveness",
              devices.list().stream().map(d -> d.revoked() ? "REVOKED" : d.liveness()).toList());
          List<RolloutService.RolloutView> latest = rollouts.list();
          show(byStatus, "status", latest.stream().map(r -> r.status()).toList());
          show(
              byVerdict,
              "verdict",
              latest.stream().flatMap(r -> r.waves().stream()).map(w -> w.verdict()).toList());
          show(byState, "state", jobs.list().stream().map(j -> j.state()).toList());
        });
  }

  /** Everything in Prometheus' text form. Asks the database: never on an event loop. */
  public String scrape() {
    for (Runnable refresh : refreshes) {
      try {
        refresh.run();
      } catch (RuntimeException e) {
        // A database that is away costs its own meters, not those that say so.
        LOG.warn("some meters could not be read: {}", e.getMessage());
      }
    }
    return registry.scrape();
  }

  @Override
  public void close() {
    unbind.forEach(Runnable::run);
    gc.close();
    registry.close();
  }

  private void loss(FleetHealth health, String outcome, ToDoubleFunction<TelemetryLoss> part) {
    FunctionCounter.builder(
            "stillhouse.telemetry.records", health, h -> part.applyAsDouble(h.loss()))
        .description("Telemetry records by what became of them")
        .tag("outcome", outcome)
        .register(registry);
  }

  private MultiGauge gauge(String name, String description) {
    return MultiGauge.builder(name).description(description).register(registry);
  }

  private static void show(MultiGauge gauge, String tag, List<String> values) {
    Map<String, Integer> counts = new TreeMap<>();
    values.forEach(value -> counts.merge(value, 1, Integer::sum));
    List<MultiGauge.Row<?>> rows = new ArrayList<>();
    counts.forEach((value, count) -> rows.add(MultiGauge.Row.of(Tags.of(tag, value), count)));
    gauge.register(rows, true);
  }
}
