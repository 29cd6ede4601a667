package io.stillhouse.fleet.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.ReportedState;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.Outcome;
import io.stillhouse.fleet.rollout.RolloutCommand;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutStanding;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.TargetFacts;
import io.stillhouse.fleet.rollout.Verdict;
import io.stillhouse.fleet.rollout.WaveCounts;
import io.stillhouse.fleet.rollout.WaveHealth;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What holds after every event of a simulation, checked without the policy's own bookkeeping. */
final class Invariants {
  private static final Set<RolloutPhase> WAY_BACK =
      Set.of(
          RolloutPhase.ABORTING,
          RolloutPhase.ROLLING_BACK,
          RolloutPhase.ROLLED_BACK,
          RolloutPhase.ROLLBACK_INCOMPLETE);

  private final MemoryFleet fleet;
  private final RolloutId rollout;
  private final Set<DeviceId> taken = new HashSet<>();
  private RolloutStatus before;

  Invariants(MemoryFleet fleet, RolloutId rollout) {
    this.fleet = fleet;
    this.rollout = rollout;
    this.before = fleet.load(rollout).orElseThrow().status();
  }

  void check() {
    Snapshot at = fleet.load(rollout).orElseThrow();
    wavesOpenOnlyAfterAPass(at);
    gatesCloseOnce(at);
    countsEqualARecount(at);
    neverHangsSilently(at.status());
    historyIsOneUnbrokenChain(at.status());
    touchesOnlyOpenedWaves(at);
    abortEndsInARollback(at);
    whatIsTakenStaysTaken(at);
    believesOnlyWhatCanBe(at);
    commandsRepeatWithoutEffect(at);
    before = at.status();
  }

  /** After a look, no rollout goes on while a class of any wave it opened answers mostly wrong. */
  static void noHarmGoesOn(Snapshot at) {
    if (!at.status().phase().forward()) {
      return;
    }
    RolloutStanding standing = RolloutStanding.of(at.spec(), at.status(), at.facts(), at.now());
    int opened = at.status().wave().map(w -> w.index()).orElse(-1);
    for (RolloutTarget target : at.spec().targets()) {
      ClassHealth health =
          at.facts().health().getOrDefault(target.wave(), Map.of()).get(target.hardwareClass());
      Outcome outcome = standing.outcomes().getOrDefault(target.device(), Outcome.NOT_OFFERED);
      if (health != null && target.wave() <= opened && !outcome.aside()) {
        WaveHealth.Feedback feedback = health.observed().feedback();
        assertThat(2 * feedback.correct())
            .as("right answers of %s in wave %d", target.hardwareClass(), target.wave())
            .isGreaterThanOrEqualTo(feedback.count());
      }
    }
  }

  private static void wavesOpenOnlyAfterAPass(Snapshot at) {
    at.status()
        .wave()
        .ifPresent(
            wave -> {
              for (int earlier = 0; earlier < wave.index(); earlier++) {
                assertThat(at.status().closed().get(earlier).index()).isEqualTo(earlier);
                assertThat(at.status().closed().get(earlier).judgement().verdict())
                    .as("verdict of wave %d, with wave %d open", earlier, wave.index())
                    .isEqualTo(new Verdict.Pass());
              }
            });
  }

  private void gatesCloseOnce(Snapshot at) {
    List<RolloutStatus.WaveResult> closed = at.status().closed();
    assertThat(closed.subList(0, before.closed().size())).isEqualTo(before.closed());
    assertThat(closed).extracting(RolloutStatus.WaveResult::index).doesNotHaveDuplicates();
    assertThat(fleet.events(rollout))
        .filteredOn(e -> e.kind().equals("gate"))
        .extracting(RolloutEvent::from)
        .containsExactlyElementsOf(closed.stream().map(r -> "" + r.index()).toList());
  }

  private static void countsEqualARecount(Snapshot at) {
    RolloutStanding standing = RolloutStanding.of(at.spec(), at.status(), at.facts(), at.now());
    for (RolloutStanding.WaveView view : standing.waves()) {
      WaveCounts counts = view.judgement().counts();
      List<RolloutTarget> members = at.spec().wave(view.index());
      assertThat(counts.assigned()).isEqualTo(members.size());
      if (at.status().closed().stream().anyMatch(r -> r.index() == view.index())) {
        continue;
      }
      long succeeded = members.stream().filter(t -> proven(t, at)).count();
      long plain =
          members.stream()
              .map(t -> standing.outcomes().get(t.device()))
              .filter(o -> o == Outcome.SUCCEEDED)
              .count();
      assertThat(plain).isEqualTo(counts.succeeded());
      assertThat((long) counts.succeeded()).as("successes, recounted").isEqualTo(succeeded);
    }
  }

  /** Committed to the artifact of its offer, and seen to run it afterwards. */
  private static boolean proven(RolloutTarget target, Snapshot at) {
    TargetFacts facts = at.facts().of(target);
    if (facts.revoked() || facts.told().offer().isEmpty() || taken(facts, at)) {
      return false;
    }
    Optional<ReportedState> said = facts.reported();
    Optional<Heartbeat> heard = facts.heartbeat();
    return said.isPresent()
        && heard.isPresent()
        && said.get().phase().name().equals("COMMITTED")
        && said.get().observedGeneration() == facts.told().offer().get().generation()
        && heard.get().at().isAfter(said.get().since())
        && heard.get().running().equals(Optional.of(target.artifact()));
  }

  private static boolean taken(TargetFacts facts, Snapshot at) {
    return facts
        .desired()
        .flatMap(DesiredState::rollout)
        .filter(r -> !r.equals(at.spec().id()))
        .isPresent();
  }

  private static void neverHangsSilently(RolloutStatus status) {
    if (!status.phase().terminal()) {
      boolean deadline = status.attention().deadline().isPresent();
      boolean reason = !status.attention().reasons().isEmpty();
      assertThat(deadline || reason).as("deadline or reason in %s", status).isTrue();
      boolean moving =
          status.phase() == RolloutPhase.RUNNING
              || status.phase() == RolloutPhase.ABORTING
              || status.phase() == RolloutPhase.ROLLING_BACK;
      assertThat(deadline || !moving).as("deadline in %s", status).isTrue();
    }
  }

  private void historyIsOneUnbrokenChain(RolloutStatus status) {
    assertThat(status.version()).isGreaterThanOrEqualTo(before.version());
    if (status.version() == before.version()) {
      assertThat(status).isEqualTo(before);
    }
    String phase = RolloutPhase.PLANNED.name();
    for (RolloutEvent event : fleet.events(rollout)) {
      if (event.kind().equals("phase")) {
        assertThat(event.from()).isEqualTo(phase);
        phase = event.to();
      }
    }
    assertThat(status.phase().name()).isEqualTo(phase);
  }

  private static void touchesOnlyOpenedWaves(Snapshot at) {
    int opened = at.status().wave().map(w -> w.index()).orElse(-1);
    for (RolloutTarget target : at.spec().targets()) {
      TargetFacts facts = at.facts().of(target);
      if (facts.told().offer().isPresent()) {
        assertThat(target.wave()).isLessThanOrEqualTo(opened);
      } else {
        boolean mine =
            facts
                .desired()
                .flatMap(DesiredState::rollout)
                .filter(at.spec().id()::equals)
                .isPresent();
        assertThat(mine).as("wish for untouched %s", target.device()).isFalse();
      }
    }
  }

  /** A newer rollout's wish is never overwritten by this one. */
  private void whatIsTakenStaysTaken(Snapshot at) {
    for (RolloutTarget target : at.spec().targets()) {
      if (taken(at.facts().of(target), at)) {
        taken.add(target.device());
      } else {
        assertThat(taken).doesNotContain(target.device());
      }
    }
  }

  private static void believesOnlyWhatCanBe(Snapshot at) {
    RolloutStanding standing = RolloutStanding.of(at.spec(), at.status(), at.facts(), at.now());
    for (RolloutTarget target : at.spec().targets()) {
      TargetFacts facts = at.facts().of(target);
      long said = facts.reported().map(ReportedState::observedGeneration).orElse(0L);
      long wanted = facts.desired().map(DesiredState::generation).orElse(0L);
      assertThat(said).as("generation of %s", target.device()).isLessThanOrEqualTo(wanted);
      if (standing.outcomes().get(target.device()) == Outcome.ALREADY_SATISFIED) {
        assertThat(facts.heartbeat().flatMap(Heartbeat::running)).hasValue(target.artifact());
      }
    }
  }

  private void abortEndsInARollback(Snapshot at) {
    RolloutPhase phase = at.status().phase();
    if (WAY_BACK.contains(before.phase())) {
      assertThat(WAY_BACK).contains(phase);
    }
    List<DeviceId> astray =
        at.spec().targets().stream().filter(t -> astray(t, at)).map(RolloutTarget::device).toList();
    boolean justRolledBack =
        phase == RolloutPhase.ROLLED_BACK && before.phase() != RolloutPhase.ROLLED_BACK;
    if (justRolledBack) {
      assertThat(astray).as("devices astray when rolled back").isEmpty();
    }
    if (phase == RolloutPhase.ROLLBACK_INCOMPLETE) {
      assertThat(at.status().attention().devices()).isNotEmpty();
    }
    if (phase == RolloutPhase.ROLLED_BACK || phase == RolloutPhase.ROLLBACK_INCOMPLETE) {
      for (RolloutTarget target : at.spec().targets()) {
        TargetFacts facts = at.facts().of(target);
        if (facts.told().offer().isPresent() && !taken(facts, at) && !facts.revoked()) {
          assertThat(facts.desired().orElseThrow().artifact()).isEqualTo(target.fallback());
        }
      }
    }
  }

  /** Knows of the offer, is still this rollout's, and is not seen to run its fallback. */
  private static boolean astray(RolloutTarget target, Snapshot at) {
    TargetFacts facts = at.facts().of(target);
    if (facts.revoked() || taken(facts, at) || facts.told().offer().isEmpty()) {
      return false;
    }
    long offered = facts.told().offer().get().generation();
    boolean knew =
        facts.reported().filter(r -> r.observedGeneration() >= offered).isPresent()
            || facts.heartbeat().filter(h -> h.generation() >= offered).isPresent();
    return knew && facts.heartbeat().filter(h -> h.running().equals(target.fallback())).isEmpty();
  }

  private static void commandsRepeatWithoutEffect(Snapshot at) {
    RolloutStatus status = at.status();
    if (status.phase() != RolloutPhase.PLANNED && status.phase() != RolloutPhase.RUNNING) {
      assertThat(
              RolloutCommand.pause(at.spec(), status, at.facts(), "x", at.now())
                  .changesFrom(status))
          .isFalse();
    }
    if (status.phase() != RolloutPhase.PAUSED) {
      assertThat(
              RolloutCommand.resume(at.spec(), status, at.facts(), "x", at.now())
                  .changesFrom(status))
          .isFalse();
    }
    if (!status.phase().forward()) {
      assertThat(
              RolloutCommand.abort(at.spec(), status, at.facts(), "x", at.now())
                  .changesFrom(status))
          .isFalse();
    }
  }
}
