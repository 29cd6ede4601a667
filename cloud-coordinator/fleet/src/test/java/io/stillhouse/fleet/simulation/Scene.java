package io.stillhouse.fleet.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.drive.RolloutDriver;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.rollout.Baseline;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStanding;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.RolloutTimings;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** One rollout over a fleet in memory, told by what devices say, in the order they say it. */
public final class Scene {
  public static final RolloutId ROLLOUT = new RolloutId("r1");
  public static final HardwareClass SMALL = new HardwareClass("small");
  public static final HardwareClass LARGE = new HardwareClass("large");
  public static final Digest OLD = digest("old");
  public static final Duration SOAK = Duration.ofSeconds(30);
  public static final RolloutTimings TIMINGS =
      new RolloutTimings(
          SOAK,
          Duration.ofSeconds(20),
          Duration.ofMinutes(10),
          Duration.ofMinutes(5),
          new RolloutTimings.Patience(Duration.ofMinutes(3), Duration.ofMinutes(2)));

  /** Outcomes as by default, and no telemetry demanded. */
  public static final GatePolicy QUIET_GATE =
      new GatePolicy(
          GatePolicy.DEFAULT.outcomes(),
          new GatePolicy.Health(
              0.02,
              0.05,
              OptionalDouble.of(0.25),
              OptionalDouble.of(1.0),
              new GatePolicy.Evidence(0, 20, false)));

  public final MemoryFleet fleet = new MemoryFleet();
  private final RolloutDriver driver = new RolloutDriver(fleet);
  private final Map<DeviceId, Long> seq = new LinkedHashMap<>();
  private final RolloutSpec spec;

  public Scene(List<RolloutTarget> targets, GatePolicy gate) {
    spec = new RolloutSpec(ROLLOUT, new ModelVersion("inspect", 3), targets, TIMINGS, gate);
    for (RolloutTarget target : targets) {
      if (target.origin().generation() > 0) {
        fleet.wish(
            new DesiredState(
                target.device(),
                target.origin().generation(),
                target.fallback(),
                Optional.empty(),
                0));
      }
    }
    fleet.create(spec, RolloutStatus.planned(fleet.now));
  }

  /** {@code count} devices of one class in one wave, which ran {@link #OLD} before. */
  public static List<RolloutTarget> targets(int wave, HardwareClass hardwareClass, int count) {
    List<RolloutTarget> targets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      targets.add(
          new RolloutTarget(
              new DeviceId(hardwareClass.name() + "-" + wave + "-" + i),
              hardwareClass,
              wave,
              artifact(hardwareClass),
              new RolloutTarget.Origin(1, Optional.of(OLD))));
    }
    return targets;
  }

  public static List<RolloutTarget> join(List<RolloutTarget> first, List<RolloutTarget> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }

  public static Digest digest(String name) {
    return Digest.of(name.getBytes(StandardCharsets.UTF_8));
  }

  public static Digest artifact(HardwareClass hardwareClass) {
    return digest("new for " + hardwareClass);
  }

  public RolloutSpec spec() {
    return spec;
  }

  public List<RolloutTarget> wave(int index) {
    return spec.wave(index);
  }

  public void tick() {
    applied(driver.advance(ROLLOUT, fleet.epoch));
  }

  public void tickAfter(Duration time) {
    fleet.pass(time);
    tick();
  }

  public RolloutStatus command(RolloutDriver.Decider command) {
    applied(driver.command(ROLLOUT, fleet.epoch, command));
    return status();
  }

  private static void applied(Optional<RolloutDriver.Result> result) {
    assertThat(result.map(RolloutDriver.Result::last)).hasValue(RolloutStore.Outcome.APPLIED);
  }

  public RolloutStatus status() {
    return fleet.load(ROLLOUT).orElseThrow().status();
  }

  public RolloutPhase phase() {
    return status().phase();
  }

  public RolloutStanding standing() {
    var at = fleet.load(ROLLOUT).orElseThrow();
    return RolloutStanding.of(at.spec(), at.status(), at.facts(), at.now());
  }

  /** The device states a phase of its newest generation, and is heard. */
  public void says(RolloutTarget target, Phase phase) {
    DesiredState desired = fleet.desired(target.device()).orElseThrow();
    boolean active = phase.onTrial() || phase == Phase.COMMITTED;
    Optional<Digest> running = active ? desired.artifact() : target.fallback();
    fleet.report(
        new Report(
            target.device(),
            new Report.Mark("boot", seq.merge(target.device(), 1L, Long::sum)),
            new Report.Standing(desired.generation(), 1, phase),
            new Report.Models(desired.artifact(), running, target.fallback()),
            Report.Explanation.NONE));
    runs(target, running);
  }

  /** A heartbeat at the newest generation. */
  public void runs(RolloutTarget target, Optional<Digest> running) {
    long generation = fleet.generation(target.device());
    fleet.heard(target.device(), new Heartbeat("boot", generation, running, fleet.now));
  }

  /** Commits to what is wanted now, and a second later is seen to run it. */
  public void commits(List<RolloutTarget> targets) {
    targets.forEach(t -> says(t, Phase.COMMITTED));
    fleet.pass(Duration.ofSeconds(1));
    targets.forEach(t -> runs(t, fleet.desired(t.device()).orElseThrow().artifact()));
  }

  /** Everything a wave needs to pass a gate that demands no telemetry. */
  public void passes(int wave) {
    commits(wave(wave));
    tick();
    tickAfter(SOAK);
  }

  /**
   * Live measurements of a class in the wave in hand, compared with a baseline accuracy of 90 %.
   */
  public void measures(HardwareClass hardwareClass, long inferences, long labelled, long correct) {
    int wave = status().wave().orElseThrow().index();
    measures(wave, hardwareClass, inferences, new WaveHealth.Feedback(labelled, correct));
  }

  /** The same of any wave. */
  public void measures(
      int wave, HardwareClass hardwareClass, long inferences, WaveHealth.Feedback feedback) {
    WaveHealth seen =
        new WaveHealth(
            inferences,
            0,
            feedback,
            new LatencyHistogram(List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, inferences)),
            OptionalDouble.of(0.8));
    Baseline before =
        new Baseline(
            OptionalDouble.of(0.9),
            OptionalDouble.of(0.85),
            OptionalLong.of(800),
            OptionalLong.of(20_000));
    fleet.measured(wave, hardwareClass, new ClassHealth(seen, before));
  }
}
