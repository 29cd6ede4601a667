package io.stillhouse.server.testing;

import io.stillhouse.model.Precision;
import io.stillhouse.model.profile.Board;
import io.stillhouse.model.profile.CpuArch;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.model.profile.Probe;
import java.time.Duration;
import java.util.List;

/** Ordinary values. */
public final class Fixtures {
  private Fixtures() {}

  /** A simulated board that infers with this many threads; the number makes its class. */
  public static HardwareProfile profile(int threads) {
    return new HardwareProfile(
        new Board(
            "sim-small",
            CpuArch.X86_64,
            List.of("avx2"),
            4,
            new Board.Capacity(1L << 30, 1L << 32, List.of())),
        new DeviceLimits(threads, 1 << 26, 1 << 20, Duration.ofMillis(20), true),
        List.of(new Probe("conv3x3", Precision.FP32, 1_000, 2_000, 12.5)),
        "1.28.0");
  }
}
