package io.stillhouse.fleet.simulation;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** A device that works through what it is told, in its own way. Heartbeats tell what truly runs. */
final class SimDevice {
  /** How it treats an artifact that is not its fallback. */
  enum Temper {
    HONEST,
    /** The artifact does harm here: it falls back during probation. */
    HARMED,
    /** Refuses before anything is activated. */
    REFUSING,
    INCOMPATIBLE,
    /** Never finishes its download. */
    SLOW,
    /** Claims success, or generations that were never wanted, and runs what it ran. */
    LYING
  }

  final DeviceId id;
  Temper temper;
  boolean online = true;
  Optional<Digest> running;

  private final Optional<Digest> origin;
  private final List<Report> sent = new ArrayList<>();
  private Optional<Digest> committed;
  private int boots;
  private long seq;
  private long generation;
  private int attempt;
  private Phase phase = Phase.IDLE;

  SimDevice(DeviceId id, Temper temper, Optional<Digest> origin, long generation) {
    this.id = id;
    this.temper = temper;
    this.origin = origin;
    this.running = origin;
    this.committed = origin;
    this.generation = generation;
  }

  /** Starts anew: a fresh boot id, and the trial, if any, goes on. */
  void reboot() {
    boots++;
    seq = 0;
  }

  /** One step of work and, unless the link swallows them, a report and a heartbeat. */
  void step(MemoryFleet fleet, RandomGenerator chance, double lossShare) {
    if (!online) {
      return;
    }
    Optional<DesiredState> desired = fleet.desired(id);
    if (desired.isPresent()) {
      work(desired.get());
    }
    if (chance.nextDouble() >= lossShare) {
      Report report = report(chance);
      sent.add(report);
      fleet.report(report);
    }
    if (chance.nextDouble() >= lossShare) {
      fleet.heard(id, new Heartbeat("boot-" + boots, generation, running, fleet.now));
    }
  }

  /** Says again what it said at some point, as a network that stores and forwards would. */
  void repeat(MemoryFleet fleet, RandomGenerator chance) {
    if (!sent.isEmpty()) {
      fleet.report(sent.get(chance.nextInt(sent.size())));
    }
  }

  private void work(DesiredState desired) {
    Optional<Digest> wanted = desired.artifact();
    if (desired.generation() > generation) {
      generation = desired.generation();
      attempt = 1;
      running = committed;
      boolean satisfied = wanted.equals(running);
      phase = satisfied ? Phase.ALREADY_SATISFIED : Phase.OFFERED;
      return;
    }
    Temper now = wanted.equals(origin) ? Temper.HONEST : temper;
    switch (phase) {
      case OFFERED -> phase = now == Temper.INCOMPATIBLE ? Phase.INCOMPATIBLE : Phase.DOWNLOADING;
      case DOWNLOADING -> phase = now == Temper.SLOW ? phase : Phase.VERIFYING;
      case VERIFYING -> phase = now == Temper.REFUSING ? Phase.FAILED : Phase.STAGED;
      case STAGED -> {
        phase = now == Temper.LYING ? Phase.COMMITTED : Phase.SELF_TEST;
        running = now == Temper.LYING ? running : wanted;
      }
      case SELF_TEST -> phase = Phase.PROBATION;
      case PROBATION -> {
        phase = now == Temper.HARMED ? Phase.ROLLING_BACK : Phase.COMMITTED;
        committed = now == Temper.HARMED ? committed : wanted;
      }
      case ROLLING_BACK -> {
        phase = Phase.ROLLED_BACK;
        running = committed;
      }
      default -> {}
    }
  }

  private Report report(RandomGenerator chance) {
    seq++;
    long stated = generation;
    Phase said = phase;
    if (temper == Temper.LYING && chance.nextInt(4) == 0) {
      stated = chance.nextBoolean() ? generation + 1 + chance.nextInt(3) : generation;
      said = chance.nextBoolean() ? Phase.COMMITTED : Phase.ALREADY_SATISFIED;
    }
    return new Report(
        id,
        new Report.Mark("boot-" + boots, seq),
        new Report.Standing(stated, attempt, said),
        new Report.Models(Optional.empty(), running, committed),
        Report.Explanation.NONE);
  }
}
