package io.stillhouse.server.rollout;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.device.LivenessRule;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutPlanner;
import io.stillhouse.fleet.rollout.RolloutPlanner.Candidate;
import io.stillhouse.fleet.rollout.RolloutPlanner.Offer;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.DeviceTable.Enrolled;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.ModelCatalogue.VersionState;
import io.stillhouse.server.storage.Rollouts;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Gathers what a plan is made of: devices as they stand, and what may be sent to them. */
final class RolloutPlans {
  /** Only for the preview's count of devices that are away; the engine has its own deadlines. */
  private static final LivenessRule LIVENESS =
      new LivenessRule(Duration.ofSeconds(30), Duration.ofMinutes(5));

  private final DeviceTable devices;
  private final DeviceStates states;
  private final ModelCatalogue models;
  private final Rollouts rollouts;

  RolloutPlans(DeviceTable devices, DeviceStates states, ModelCatalogue models, Rollouts rollouts) {
    this.devices = devices;
    this.states = states;
    this.models = models;
    this.rollouts = rollouts;
  }

  RolloutPlanner.Plan plan(RolloutId id, VersionId version, List<Integer> percents, Instant now) {
    Offer offer = offer(version);
    List<Candidate> candidates = candidates(now);
    return RolloutRequests.checked(() -> RolloutPlanner.plan(id, percents, candidates, offer));
  }

  private Offer offer(VersionId version) {
    ModelCatalogue.Version known =
        models
            .version(version)
            .orElseThrow(
                () ->
                    new CoordinatorException(
                        ErrorCategory.NOT_FOUND,
                        "cannot roll out " + version,
                        "no such model version",
                        "list the models"));
    List<Variant> variants = models.variants(version);
    if (known.state() != VersionState.READY || variants.isEmpty()) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot roll out " + version,
          known.state() == VersionState.READY
              ? "it has no variants"
              : "it is " + known.state() + ", not READY",
          "train and tailor it first");
    }
    Map<HardwareClass, Digest> byClass = new HashMap<>();
    Set<HardwareClass> quarantined = new HashSet<>();
    for (Variant variant : variants) {
      HardwareClass hardwareClass = new HardwareClass(variant.hardwareClass());
      byClass.put(hardwareClass, variant.digest());
      if (rollouts.contains(variant.digest(), hardwareClass)) {
        quarantined.add(hardwareClass);
      }
    }
    return new Offer(byClass, quarantined);
  }

  private List<Candidate> candidates(Instant now) {
    Map<DeviceId, DesiredState> desired = states.allDesired();
    Map<DeviceId, ReportedState> reported = states.allReported();
    Map<DeviceId, Heartbeat> heartbeats = states.heartbeats();
    Map<DeviceId, List<Doubt>> doubts = doubts();
    List<Candidate> candidates = new ArrayList<>();
    for (Enrolled enrolled : devices.all()) {
      Device device = enrolled.device();
      Optional<DesiredState> wish = Optional.ofNullable(desired.get(device.id()));
      Optional<ReportedState> said = Optional.ofNullable(reported.get(device.id()));
      Optional<Instant> seen = Optional.ofNullable(heartbeats.get(device.id())).map(Heartbeat::at);
      candidates.add(
          new Candidate(
              device,
              LIVENESS.of(seen, now),
              has(wish, said),
              origin(wish, doubts.getOrDefault(device.id(), List.of()), said)));
    }
    return candidates;
  }

  /**
   * What a device is taken to have: what it was wished, unless it has said that it could not have
   * it. Then it is what it kept, and the wish may be made again.
   */
  private static Optional<Digest> has(
      Optional<DesiredState> wish, Optional<ReportedState> reported) {
    return wish.flatMap(
        w ->
            reported.filter(said -> said.refuses(w)).isPresent()
                ? reported.flatMap(r -> r.models().committed())
                : w.artifact());
  }

  /** A rollout that has not proven its artifact, and how its device stood before it. */
  private record Doubt(RolloutId rollout, RolloutTarget.Origin before) {
    /** Whether the wish is this rollout's, or an earlier one's that it took the place of. */
    boolean of(DesiredState wish) {
      return wish.rollout().equals(Optional.of(rollout))
          || wish.generation() == before.generation();
    }
  }

  private static RolloutTarget.Origin origin(
      Optional<DesiredState> wish, List<Doubt> doubts, Optional<ReportedState> reported) {
    if (wish.isEmpty()) {
      // Nothing of ours was ever wanted; what the device committed to is what it can return to.
      return new RolloutTarget.Origin(0, reported.flatMap(r -> r.models().committed()));
    }
    Optional<Digest> fallback =
        doubts.stream()
            .filter(doubt -> doubt.of(wish.get()))
            .findFirst()
            .map(doubt -> doubt.before().fallback())
            .orElseGet(() -> has(wish, reported));
    return new RolloutTarget.Origin(wish.get().generation(), fallback);
  }

  private Map<DeviceId, List<Doubt>> doubts() {
    Map<DeviceId, List<Doubt>> doubts = new HashMap<>();
    for (RolloutId id : rollouts.unfinished()) {
      Optional<Snapshot> at =
          rollouts
              .load(id)
              .filter(
                  s -> s.status().phase().forward() || s.status().phase() == RolloutPhase.ABORTING);
      at.ifPresent(
          s ->
              s.spec()
                  .targets()
                  .forEach(
                      t ->
                          doubts
                              .computeIfAbsent(t.device(), d -> new ArrayList<>())
                              .add(new Doubt(id, t.origin()))));
    }
    return doubts;
  }
}
