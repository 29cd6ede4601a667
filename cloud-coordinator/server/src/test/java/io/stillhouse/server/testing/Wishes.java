package io.stillhouse.server.testing;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.port.RolloutStore.Outcome;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.RolloutTimings;
import io.stillhouse.model.Digest;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.Rollouts;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Writes desired states the way the engine does, without its policy. */
final class Wishes {
  private Wishes() {}

  static void write(
      TestCoordinator at, DeviceId device, long generation, Digest artifact, RolloutId id) {
    Lease lease = at.lease("wishes");
    Rollouts rollouts = at.rollouts(lease);
    RolloutStatus planned = RolloutStatus.planned(at.clock.instant());
    RolloutId unique = new RolloutId(id.value() + "-" + device.value() + "-" + generation);
    rollouts.create(
        new RolloutSpec(
            unique,
            new ModelVersion(TestCoordinator.MODEL, 1),
            List.of(
                new RolloutTarget(
                    device,
                    Fixtures.profile(1).hardwareClass(),
                    0,
                    artifact,
                    new RolloutTarget.Origin(generation - 1, Optional.empty()))),
            new RolloutTimings(
                Duration.ZERO,
                Duration.ZERO,
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                new RolloutTimings.Patience(Duration.ofMinutes(1), Duration.ofMinutes(1))),
            GatePolicy.DEFAULT),
        planned);
    DesiredChange change =
        new DesiredChange(
            new DesiredState(device, generation, Optional.of(artifact), Optional.of(unique), 0),
            DesiredChange.Kind.OFFER,
            Duration.ZERO);
    Decision decision =
        new Decision(
            new RolloutStatus(
                1, planned.phase(), planned.wave(), planned.closed(), planned.attention()),
            List.of(change),
            List.of(),
            List.of());
    Outcome outcome = rollouts.apply(unique, decision, 0, lease.acquire().orElseThrow());
    if (outcome != Outcome.APPLIED) {
      throw new AssertionError(outcome);
    }
    lease.release();
  }
}
