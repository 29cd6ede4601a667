package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.Tenure;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Cuts what the model host counts into windows: one record per tenure that is live or was used in
 * the window, so that each count is in exactly one record and under the model it belongs to.
 * Without a model there is nothing to record.
 *
 * <p>Spans are measured by the monotonic ticker; only the stamp of a window's start is wall time
 * and may be wrong while the clock is.
 *
 * <p>Thread-confined.
 */
final class TelemetryRecorder {
  private static final double NANOS_PER_MILLI = 1e6;

  private final TelemetryIdentity identity;
  private final ModelHost host;
  private final Supplier<ResourceUsage> usage;
  private final Clocks clocks;

  private final Map<Long, LiveStats> seen = new HashMap<>();
  private Instant windowStart;
  private long startNanos;
  private long startCpuNanos;

  TelemetryRecorder(
      TelemetryIdentity identity, ModelHost host, Supplier<ResourceUsage> usage, Clocks clocks) {
    this.identity = identity;
    this.host = host;
    this.usage = usage;
    this.clocks = clocks;
    this.windowStart = clocks.wall().instant();
    this.startNanos = clocks.nanoTicker().getAsLong();
    this.startCpuNanos = usage.get().cpuNanos();
  }

  /** Ends the window under way and begins the next one; spool and number are still to be set. */
  List<TelemetryWindow.Builder> closeWindow() {
    long nowNanos = clocks.nanoTicker().getAsLong();
    long spanNanos = Math.max(1, nowNanos - startNanos);
    ResourceUsage now = usage.get();
    TelemetryWindow.Builder common =
        TelemetryWindow.newBuilder()
            .setDeviceId(identity.deviceId())
            .setBootId(identity.bootId())
            .setWindowStartEpochMillis(windowStart.toEpochMilli())
            .setWindowMillis(Math.round(spanNanos / NANOS_PER_MILLI))
            .setCpuShare((double) (now.cpuNanos() - startCpuNanos) / spanNanos)
            .setResidentBytes(now.residentBytes())
            .setTemperatureCelsius(now.temperatureCelsius());
    List<TelemetryWindow.Builder> windows = new ArrayList<>();
    List<Tenure> tenures = host.tenures();
    for (Tenure tenure : tenures) {
      LiveStats stats = tenure.stats();
      LiveStats before = seen.put(tenure.id(), stats);
      LiveStats delta = before == null ? stats : stats.minus(before);
      if (tenure.live() || delta.counts().inferences() > 0) {
        windows.add(fill(common.clone(), tenure.slot(), delta));
      }
    }
    seen.keySet().retainAll(tenures.stream().map(Tenure::id).toList());
    windowStart = clocks.wall().instant();
    startNanos = nowNanos;
    startCpuNanos = now.cpuNanos();
    return windows;
  }

  private static TelemetryWindow.Builder fill(
      TelemetryWindow.Builder window, LoadedSlot slot, LiveStats counted) {
    return window
        .setRunningSha256(slot.digest())
        .setHardwareClass(slot.placement().hardwareClass())
        .setRolloutId(slot.placement().rolloutId())
        .setWave(slot.placement().wave())
        .setProbation(slot.probation())
        .setInferences(counted.counts().inferences())
        .setErrors(counted.counts().errors())
        .addAllLatencyHistogram(counted.latency().counts())
        .setConfidenceSum(counted.confidence().sum())
        .setConfidenceSquareSum(counted.confidence().squareSum())
        .addAllClassCounts(counted.classCounts())
        .setFeedbackCount(counted.feedback().count())
        .setFeedbackCorrect(counted.feedback().correct());
  }
}
