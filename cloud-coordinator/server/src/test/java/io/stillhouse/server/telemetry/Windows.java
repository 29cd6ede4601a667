package io.stillhouse.server.telemetry;

import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.util.Collections;

/** Telemetry windows for tests. */
final class Windows {
  static final String DIGEST_A = "a".repeat(64);
  static final String DIGEST_B = "b".repeat(64);

  private Windows() {}

  /** A sound window of ten inferences, all in the bucket below 500 microseconds. */
  static TelemetryWindow.Builder of(String device, long seq) {
    TelemetryWindow.Builder window =
        TelemetryWindow.newBuilder()
            .setDeviceId(device)
            .setSpoolId("spool-" + device)
            .setSeq(seq)
            .setRolloutId("ro-1")
            .setWave(0)
            .setHardwareClass("x86_64-avx2-t1")
            .setRunningSha256(DIGEST_A)
            .setInferences(10)
            .setErrors(0)
            .addAllLatencyHistogram(Collections.nCopies(LatencyHistogram.BUCKETS, 0L))
            .setConfidenceSum(9.0)
            .setFeedbackCount(4)
            .setFeedbackCorrect(3);
    return window.setLatencyHistogram(8, 10);
  }
}
