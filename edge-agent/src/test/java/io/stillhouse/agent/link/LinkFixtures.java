package io.stillhouse.agent.link;

import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.inference.Precision;
import io.stillhouse.agent.testing.FakeCoordinator;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;

/** A device with a profile, and its identity at a fake coordinator. */
final class LinkFixtures {
  static final DeviceProfile PROFILE =
      new DeviceProfile(
          new DeviceProfile.Board("sim-small", "aarch64", List.of("asimd", "fp"), 4),
          new DeviceProfile.Capacity(4L << 30, 9L << 30, List.of("none-really")),
          new DeviceLimits("sim-small", 2, new DeviceLimits.ModelLimits(48, 32, 16), true),
          List.of(
              new DeviceProfile.ProbeResult(
                  new DeviceProfile.Layer("conv3x3", 1_806_336, 50_176, "16x28x28->16x28x28"),
                  Precision.INT8,
                  123.5)),
          "1.28.0");

  static final Stamps STAMPS =
      new Stamps(
          "boot-1",
          "0.1.0",
          () -> Instant.ofEpochMilli(1_000),
          System::nanoTime,
          System.nanoTime());

  private LinkFixtures() {}

  static Identity enrolled(FakeCoordinator coordinator) throws LinkException {
    return new Enroller(new SecureRandom())
        .enrol(new Address("127.0.0.1", coordinator.port()), coordinator.token(), "press", PROFILE);
  }
}
