package io.stillhouse.fleet.simulation;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.ReportRule;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.port.DeviceStateStore;
import io.stillhouse.fleet.port.QuarantineStore;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.Quarantine;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutFacts;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.TargetFacts;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * All ports in memory, with its own clock and lease epoch. What a database would refuse it refuses.
 */
public final class MemoryFleet implements RolloutStore, DeviceStateStore, QuarantineStore {
  public Instant now = Instant.parse("2030-01-01T00:00:00Z");
  public long epoch = 1;
  public final Map<Integer, Map<HardwareClass, ClassHealth>> health = new LinkedHashMap<>();
  public final Set<DeviceId> revoked = new HashSet<>();
  public final Set<RolloutId> superseded = new HashSet<>();

  /** Every artifact that each (device, generation) has ever named, to catch a second one. */
  public final Map<String, Optional<Digest>> wishes = new LinkedHashMap<>();

  private Instant listeningSince = Instant.EPOCH;
  private final Map<RolloutId, RolloutSpec> specs = new LinkedHashMap<>();
  private final Map<RolloutId, RolloutStatus> statuses = new LinkedHashMap<>();
  private final Map<RolloutId, List<RolloutEvent>> events = new LinkedHashMap<>();
  private final Map<RolloutId, Map<DeviceId, TargetFacts.Told>> told = new LinkedHashMap<>();
  private final Map<DeviceId, DesiredState> desired = new LinkedHashMap<>();
  private final Map<DeviceId, ReportedState> reported = new LinkedHashMap<>();
  private final Map<DeviceId, Heartbeat> heartbeats = new LinkedHashMap<>();
  private final List<Quarantine> quarantines = new ArrayList<>();

  /** What live models of a class in a wave measure from now on. */
  public void measured(int wave, HardwareClass hardwareClass, ClassHealth measured) {
    health.computeIfAbsent(wave, w -> new LinkedHashMap<>()).put(hardwareClass, measured);
  }

  /** Only from now on could devices be heard. */
  public void deafUntilNow() {
    listeningSince = now;
  }

  public void pass(Duration time) {
    now = now.plus(time);
  }

  @Override
  public boolean create(RolloutSpec spec, RolloutStatus status) {
    if (specs.putIfAbsent(spec.id(), spec) != null) {
      return false;
    }
    statuses.put(spec.id(), status);
    events.put(spec.id(), new ArrayList<>());
    told.put(spec.id(), new LinkedHashMap<>());
    return true;
  }

  @Override
  public List<RolloutId> unfinished() {
    return statuses.entrySet().stream()
        .filter(e -> !e.getValue().phase().terminal())
        .map(Map.Entry::getKey)
        .toList();
  }

  @Override
  public Optional<Snapshot> load(RolloutId rollout) {
    RolloutSpec spec = specs.get(rollout);
    RolloutStatus status = statuses.get(rollout);
    return spec == null || status == null
        ? Optional.empty()
        : Optional.of(new Snapshot(spec, status, facts(spec), now));
  }

  private RolloutFacts facts(RolloutSpec spec) {
    Map<DeviceId, TargetFacts> targets = new LinkedHashMap<>();
    Set<HardwareClass> quarantined = new HashSet<>();
    for (RolloutTarget target : spec.targets()) {
      DeviceId id = target.device();
      targets.put(
          id,
          new TargetFacts(
              desired(id),
              told.getOrDefault(spec.id(), Map.of()).getOrDefault(id, TargetFacts.Told.NOTHING),
              reported(id),
              Optional.ofNullable(heartbeats.get(id)),
              revoked.contains(id)));
      if (contains(target.artifact(), target.hardwareClass())) {
        quarantined.add(target.hardwareClass());
      }
    }
    return new RolloutFacts(targets, health, quarantined, superseded, listeningSince);
  }

  @Override
  public Outcome apply(RolloutId rollout, Decision decision, long expectedVersion, long writer) {
    if (writer != epoch) {
      return Outcome.STALE_EPOCH;
    }
    RolloutStatus current = statuses.get(rollout);
    if (current == null || current.version() != expectedVersion) {
      return Outcome.CONFLICT;
    }
    for (DesiredChange change : decision.desired()) {
      if (change.state().generation() != generation(change.state().device()) + 1) {
        return Outcome.CONFLICT;
      }
    }
    decision.desired().forEach(c -> write(rollout, c));
    quarantines.addAll(decision.quarantines());
    events.getOrDefault(rollout, new ArrayList<>()).addAll(decision.events());
    statuses.put(rollout, decision.next());
    return Outcome.APPLIED;
  }

  private void write(RolloutId rollout, DesiredChange change) {
    DesiredState state = change.state();
    wish(state);
    Map<DeviceId, TargetFacts.Told> all = told.getOrDefault(rollout, new LinkedHashMap<>());
    TargetFacts.Told before = all.getOrDefault(state.device(), TargetFacts.Told.NOTHING);
    var order = Optional.of(new TargetFacts.Order(state.generation(), now));
    all.put(
        state.device(),
        change.kind() == DesiredChange.Kind.OFFER
            ? new TargetFacts.Told(order, before.recall())
            : new TargetFacts.Told(before.offer(), order));
  }

  /** Writes a desired state from outside any rollout. */
  public void wish(DesiredState state) {
    String key = state.device() + "#" + state.generation();
    if (wishes.putIfAbsent(key, state.artifact()) != null) {
      throw new IllegalStateException("generation used twice: " + key);
    }
    desired.put(state.device(), state);
  }

  public long generation(DeviceId device) {
    return desired(device).map(DesiredState::generation).orElse(0L);
  }

  @Override
  public List<RolloutEvent> events(RolloutId rollout) {
    return List.copyOf(events.getOrDefault(rollout, List.of()));
  }

  @Override
  public Optional<DesiredState> desired(DeviceId device) {
    return Optional.ofNullable(desired.get(device));
  }

  @Override
  public Optional<ReportedState> reported(DeviceId device) {
    return Optional.ofNullable(reported.get(device));
  }

  @Override
  public boolean report(Report report) {
    DeviceId id = report.device();
    Optional<ReportedState> before = reported(id);
    Optional<ReportedState> next = ReportRule.ingest(before, report, generation(id), now).next();
    next.ifPresent(state -> reported.put(id, state));
    return !next.equals(before);
  }

  @Override
  public void heard(DeviceId device, Heartbeat heartbeat) {
    heartbeats.put(device, heartbeat);
  }

  @Override
  public List<Quarantine> all() {
    return List.copyOf(quarantines);
  }

  @Override
  public boolean contains(Digest digest, HardwareClass hardwareClass) {
    return quarantines.stream()
        .anyMatch(q -> q.digest().equals(digest) && q.hardwareClass().equals(hardwareClass));
  }
}
