package io.stillhouse.fleet.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.device.Liveness;
import io.stillhouse.fleet.drive.RolloutDriver;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.Baseline;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.RolloutCommand;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutPlanner;
import io.stillhouse.fleet.rollout.RolloutPolicy;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * One rollout over a fleet of unreliable devices under an unreliable coordinator. Everything
 * follows from the seed; the invariants are checked after every event.
 */
final class Simulation {
  static final int EVENTS = 160;
  static final int SETTLE_ROUNDS = 400;

  private static final RolloutId ID = new RolloutId("sim");
  private static final List<List<Integer>> WAVES =
      List.of(List.of(100), List.of(34, 100), List.of(5, 25, 100), List.of(10, 20, 50, 100));

  final Set<RolloutPhase> visited = EnumSet.noneOf(RolloutPhase.class);
  final List<String> trace = new ArrayList<>();

  private final SplittableRandom chance;
  private final MemoryFleet fleet = new MemoryFleet();
  private final List<SimDevice> devices = new ArrayList<>();
  private final Map<HardwareClass, Digest> variants = new TreeMap<>();
  private final Invariants invariants;
  private RolloutDriver driver = new RolloutDriver(fleet);
  private Optional<Pending> frozen = Optional.empty();

  /** A decision in the hands of a coordinator that stopped just before it stored it. */
  private record Pending(Decision decision, RolloutStatus basis, long epoch) {}

  Simulation(long seed) {
    chance = new SplittableRandom(seed);
    List<RolloutPlanner.Candidate> candidates = new ArrayList<>();
    int classes = 1 + chance.nextInt(4);
    int size = 1 + chance.nextInt(24);
    double trouble = chance.nextDouble() < 0.4 ? 0 : chance.nextDouble(0.6);
    for (int i = 0; i < size; i++) {
      candidates.add(enrol(i, new HardwareClass("class-" + chance.nextInt(classes)), trouble));
    }
    List<Integer> waves = WAVES.get(chance.nextInt(WAVES.size()));
    RolloutPlanner.Plan plan =
        RolloutPlanner.plan(ID, waves, candidates, new RolloutPlanner.Offer(variants, Set.of()));
    RolloutSpec spec =
        new RolloutSpec(
            ID, new ModelVersion("m", 2), plan.targets(), Scene.TIMINGS, gate(trouble > 0));
    fleet.create(spec, RolloutStatus.planned(fleet.now));
    invariants = new Invariants(fleet, ID);
  }

  private RolloutPlanner.Candidate enrol(int index, HardwareClass hardwareClass, double trouble) {
    DeviceId id = new DeviceId("d" + index);
    variants.put(hardwareClass, Scene.artifact(hardwareClass));
    boolean bare = chance.nextInt(5) == 0;
    Optional<Digest> origin = bare ? Optional.empty() : Optional.of(Scene.OLD);
    long generation = bare ? 0 : 1;
    if (!bare) {
      fleet.wish(new DesiredState(id, generation, origin, Optional.empty(), 0));
    }
    SimDevice.Temper[] all = SimDevice.Temper.values();
    SimDevice.Temper temper =
        chance.nextDouble() < trouble ? all[chance.nextInt(all.length)] : SimDevice.Temper.HONEST;
    devices.add(new SimDevice(id, temper, origin, generation));
    return new RolloutPlanner.Candidate(
        new Device(id, id.value(), hardwareClass, false),
        Liveness.ONLINE,
        origin,
        new RolloutTarget.Origin(generation, origin));
  }

  private GatePolicy gate(boolean demanding) {
    return demanding && chance.nextInt(3) == 0 ? GatePolicy.DEFAULT : Scene.QUIET_GATE;
  }

  /** Lets things happen, then lets them settle. */
  void run() {
    for (int i = 0; i < EVENTS; i++) {
      event();
      observe();
    }
    devices.forEach(d -> d.temper = SimDevice.Temper.HONEST);
    devices.forEach(d -> d.online = true);
    for (int round = 0; round < SETTLE_ROUNDS && !phase().terminal(); round++) {
      fleet.pass(Duration.ofSeconds(20));
      devices.forEach(d -> d.step(fleet, chance, 0));
      tick();
      if (phase() == RolloutPhase.PAUSED) {
        command("abort", (p, s, f, now) -> RolloutCommand.abort(p, s, f, "op", now));
      }
      observe();
    }
    assertThat(phase().terminal()).as("ends once devices are well: %s", phase()).isTrue();
  }

  private void event() {
    SimDevice device = devices.get(chance.nextInt(devices.size()));
    int dice = chance.nextInt(100);
    if (dice < 30) {
      note("all step");
      devices.forEach(d -> d.step(fleet, chance, 0.1));
    } else if (dice < 45) {
      note(device.id + " steps");
      device.step(fleet, chance, 0.3);
    } else if (dice < 70) {
      Duration time = Duration.ofSeconds(1 + chance.nextInt(40));
      note("time " + time);
      fleet.pass(time);
      tick();
    } else if (dice < 76) {
      note(device.id + " online " + !device.online);
      device.online = !device.online;
    } else if (dice < 80) {
      note(device.id + " reboots");
      device.reboot();
    } else if (dice < 86) {
      note(device.id + " repeats itself");
      device.repeat(fleet, chance);
    } else if (dice < 93) {
      coordinatorFault();
    } else if (dice < 96) {
      measure();
    } else {
      outsider(device);
    }
  }

  /** Restarts, take-overs, and decisions that reach the store late. */
  private void coordinatorFault() {
    switch (chance.nextInt(4)) {
      case 0 -> {
        note("coordinator restarts");
        driver = new RolloutDriver(fleet);
      }
      case 1 -> {
        Snapshot at = snapshot();
        Decision decision = RolloutPolicy.decide(at.spec(), at.status(), at.facts(), at.now());
        note("coordinator freezes before it stores " + decision.next().phase());
        frozen = Optional.of(new Pending(decision, at.status(), fleet.epoch));
      }
      case 2 -> {
        note("another coordinator takes over");
        fleet.epoch++;
        driver = new RolloutDriver(fleet);
      }
      default -> frozen.ifPresent(this::thaw);
    }
  }

  private void thaw(Pending pending) {
    RolloutStatus before = snapshot().status();
    int wishes = fleet.wishes.size();
    RolloutStore.Outcome outcome =
        fleet.apply(ID, pending.decision(), pending.basis().version(), pending.epoch());
    note("frozen coordinator stores: " + outcome);
    if (pending.epoch() != fleet.epoch) {
      assertThat(outcome).isEqualTo(RolloutStore.Outcome.STALE_EPOCH);
    } else if (pending.basis().version() != before.version()) {
      assertThat(outcome).isEqualTo(RolloutStore.Outcome.CONFLICT);
    }
    if (outcome != RolloutStore.Outcome.APPLIED) {
      assertThat(snapshot().status()).isEqualTo(before);
      assertThat(fleet.wishes).hasSize(wishes);
    }
    frozen = Optional.empty();
  }

  /** Any wave may measure anything, long after it has closed too. */
  private void measure() {
    int wave = chance.nextInt(snapshot().status().wave().map(w -> w.index() + 1).orElse(1));
    for (HardwareClass hardwareClass : variants.keySet()) {
      boolean harmed = chance.nextInt(12) == 0;
      long correct = harmed ? 10 : 92;
      WaveHealth seen =
          new WaveHealth(
              200,
              0,
              new WaveHealth.Feedback(100, correct),
              new LatencyHistogram(List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 200L)),
              OptionalDouble.of(0.8));
      Baseline baseline =
          new Baseline(
              OptionalDouble.of(0.9),
              OptionalDouble.of(0.8),
              OptionalLong.of(900),
              OptionalLong.of(9_000));
      note(
          "telemetry of "
              + hardwareClass
              + " in wave "
              + wave
              + (harmed ? " collapses" : " is fine"));
      fleet.measured(wave, hardwareClass, new ClassHealth(seen, baseline));
    }
  }

  private void outsider(SimDevice device) {
    switch (chance.nextInt(8)) {
      case 0 -> command("abort", (p, s, f, now) -> RolloutCommand.abort(p, s, f, "op", now));
      case 1, 2 -> command("pause", (p, s, f, now) -> RolloutCommand.pause(p, s, f, "op", now));
      case 3, 4, 5 ->
          command("resume", (p, s, f, now) -> RolloutCommand.resume(p, s, f, "op", now));
      case 6 -> {
        note(device.id + " is revoked");
        fleet.revoked.add(device.id);
      }
      default -> {
        note(device.id + " is taken by a newer rollout");
        fleet.wish(
            new DesiredState(
                device.id,
                fleet.generation(device.id) + 1,
                Optional.of(Scene.digest("newer")),
                Optional.of(new RolloutId("newer")),
                0));
      }
    }
  }

  private void command(String name, RolloutDriver.Decider decider) {
    note(name);
    assertThat(driver.command(ID, fleet.epoch, decider).map(RolloutDriver.Result::last))
        .hasValue(RolloutStore.Outcome.APPLIED);
  }

  /** After a look nothing is left to do, and every deadline lies ahead. */
  private void tick() {
    assertThat(driver.advance(ID, fleet.epoch).map(RolloutDriver.Result::last))
        .hasValue(RolloutStore.Outcome.APPLIED);
    Snapshot at = snapshot();
    assertThat(
            RolloutPolicy.decide(at.spec(), at.status(), at.facts(), at.now())
                .changesFrom(at.status()))
        .as("a second look changes nothing")
        .isFalse();
    Invariants.noHarmGoesOn(at);
    at.status()
        .attention()
        .deadline()
        .filter(d -> !at.status().phase().terminal())
        .ifPresent(d -> assertThat(d).isAfter(at.now()));
  }

  private void observe() {
    invariants.check();
    visited.add(phase());
  }

  private Snapshot snapshot() {
    return fleet.load(ID).orElseThrow();
  }

  RolloutPhase phase() {
    return snapshot().status().phase();
  }

  private void note(String what) {
    trace.add(fleet.now + " " + phase() + ": " + what);
  }
}
