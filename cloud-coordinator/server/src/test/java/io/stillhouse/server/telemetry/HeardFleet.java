package io.stillhouse.server.telemetry;

import io.stillhouse.fleet.rollout.LatencyHistogram;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Fleet health as a test says, for tests of other packages. */
public final class HeardFleet {
  public final FleetHealth health = new FleetHealth();

  /** A window of {@code inferences} below 500 microseconds, a tenth failed, half labelled. */
  public void window(HealthKey key, long startEpochMillis, long inferences, BoardLoad load) {
    List<Long> latency = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    latency.set(8, inferences);
    health.takeWindow(
        key,
        startEpochMillis,
        new HealthCounts(
            inferences,
            inferences / 10,
            latency,
            inferences * 0.8,
            1,
            inferences / 2,
            inferences / 4,
            List.of(),
            load));
  }
}
