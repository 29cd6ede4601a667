package io.stillhouse.fleet.rollout;

import static io.stillhouse.fleet.simulation.Scene.LARGE;
import static io.stillhouse.fleet.simulation.Scene.OLD;
import static io.stillhouse.fleet.simulation.Scene.QUIET_GATE;
import static io.stillhouse.fleet.simulation.Scene.SMALL;
import static io.stillhouse.fleet.simulation.Scene.SOAK;
import static io.stillhouse.fleet.simulation.Scene.TIMINGS;
import static io.stillhouse.fleet.simulation.Scene.artifact;
import static io.stillhouse.fleet.simulation.Scene.join;
import static io.stillhouse.fleet.simulation.Scene.targets;
import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.simulation.Scene;
import io.stillhouse.model.Digest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RolloutPolicyTest {
  @Test
  void opens_one_wave_after_the_other_and_succeeds() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 3)), QUIET_GATE);
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.RUNNING);
    assertThat(wanted(scene, scene.wave(0))).containsOnly(Optional.of(artifact(SMALL)));
    assertThat(wanted(scene, scene.wave(1))).containsOnly(Optional.of(OLD));

    scene.passes(0);
    assertThat(wanted(scene, scene.wave(1))).containsOnly(Optional.of(artifact(SMALL)));
    scene.passes(1);
    assertThat(scene.phase()).isEqualTo(RolloutPhase.SUCCEEDED);
    assertThat(scene.status().closed()).hasSize(2);
    assertThat(scene.status().closed())
        .allMatch(r -> r.judgement().verdict() instanceof Verdict.Pass);
  }

  @Test
  void does_not_pass_before_the_soak_has_elapsed() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 3)), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0));
    scene.tick();
    scene.tickAfter(SOAK.minusMillis(1));
    assertThat(scene.status().wave().orElseThrow().stage()).isEqualTo(WaveStage.SOAKING);
    assertThat(scene.standing().waitingFor()).startsWith("wave 1 of 2: soak to elapse at 2030-");
    scene.tickAfter(Duration.ofMillis(1));
    assertThat(scene.status().wave().orElseThrow().index()).isEqualTo(1);
  }

  @Test
  void commitment_without_a_later_heartbeat_is_no_success() {
    Scene scene = new Scene(targets(0, SMALL, 1), QUIET_GATE);
    scene.tick();
    scene.says(scene.wave(0).get(0), Phase.COMMITTED);
    scene.tickAfter(Duration.ofSeconds(1));
    assertThat(scene.standing().outcomes()).containsValue(Outcome.IN_PROGRESS);
    scene.runs(scene.wave(0).get(0), Optional.of(OLD));
    assertThat(scene.standing().outcomes()).containsValue(Outcome.IN_PROGRESS);
    scene.runs(scene.wave(0).get(0), Optional.of(artifact(SMALL)));
    assertThat(scene.standing().outcomes()).containsValue(Outcome.SUCCEEDED);
  }

  @Test
  void a_fleet_that_merely_says_it_has_the_artifact_passes_no_gate() {
    Scene scene = new Scene(targets(0, SMALL, 3), QUIET_GATE);
    scene.tick();
    scene.wave(0).forEach(t -> scene.says(t, Phase.ALREADY_SATISFIED));
    assertThat(scene.standing().outcomes().values()).containsOnly(Outcome.IN_PROGRESS);
    scene.tickAfter(TIMINGS.waveDeadline());
    scene.tickAfter(SOAK);
    assertThat(scene.phase()).isNotIn(RolloutPhase.SUCCEEDED, RolloutPhase.SUCCEEDED_WITH_TAIL);
    assertThat(scene.status().closed()).isEmpty();

    scene.wave(0).forEach(t -> scene.runs(t, Optional.of(artifact(SMALL))));
    assertThat(scene.standing().outcomes().values()).containsOnly(Outcome.ALREADY_SATISFIED);
  }

  @Test
  void divides_by_attempted_devices_so_20_of_20_failures_are_not_hidden_by_80_silent_ones() {
    Scene scene = new Scene(targets(0, SMALL, 100), gateWithFailureRateMax(0.30));
    scene.tick();
    scene.wave(0).subList(0, 20).forEach(t -> scene.says(t, Phase.ROLLED_BACK));
    scene.tick();
    WaveJudgement judged = scene.status().closed().get(0).judgement();
    assertThat(judged.counts()).isEqualTo(new WaveCounts(100, 20, 20, 0, 20));
    assertThat(judged.verdict()).isInstanceOf(Verdict.Fail.class);
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
  }

  @Test
  void one_class_fails_the_wave_while_the_total_looks_fine() {
    Scene scene =
        new Scene(join(targets(0, SMALL, 5), targets(0, LARGE, 95)), gateWithFailureRateMax(0.20));
    scene.tick();
    for (RolloutTarget target : scene.wave(0)) {
      scene.says(
          target, target.hardwareClass().equals(SMALL) ? Phase.ROLLED_BACK : Phase.COMMITTED);
    }
    scene.tick();
    assertThat(scene.status().attention().reasons().get(0).text())
        .isEqualTo("small: 5 of 5 attempted devices failed (limit 20.0 %)");
    assertThat(scene.fleet.all()).extracting(Quarantine::digest).containsExactly(artifact(SMALL));
  }

  @Test
  void failures_above_the_limit_that_chance_could_explain_do_not_open_the_next_wave() {
    Scene scene =
        new Scene(join(targets(0, SMALL, 5), targets(1, SMALL, 5)), gateWithFailureRateMax(0.19));
    scene.tick();
    scene.commits(scene.wave(0).subList(0, 4));
    scene.says(scene.wave(0).get(4), Phase.ROLLED_BACK);
    scene.tick();
    scene.tickAfter(SOAK);
    assertThat(scene.status().wave().orElseThrow().stage()).isEqualTo(WaveStage.ANALYSING);
    scene.tickAfter(TIMINGS.waveDeadline());
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    assertThat(scene.status().attention().reasons().get(0).text())
        .contains("1 of 5 attempted devices failed", "not yet beyond doubt");
  }

  @Test
  void a_wave_that_nobody_answers_pauses_with_its_reason_at_the_deadline() {
    Scene scene = new Scene(targets(0, SMALL, 4), QUIET_GATE);
    scene.tick();
    scene.tickAfter(TIMINGS.waveDeadline().minusMillis(1));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.RUNNING);
    scene.tickAfter(Duration.ofMillis(1));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    RolloutStatus.Reason reason = scene.status().attention().reasons().get(0);
    assertThat(reason.kind()).isEqualTo(RolloutStatus.Reason.Kind.GATE_INCONCLUSIVE);
    assertThat(reason.text())
        .isEqualTo("wave 1 has no verdict after PT10M: 0 of 4 devices reached, 0 settled");
    assertThat(scene.status().closed()).isEmpty();
  }

  @Test
  void a_wave_whose_devices_all_stall_does_not_pass() {
    Scene scene = new Scene(targets(0, SMALL, 5), QUIET_GATE);
    scene.tick();
    scene.wave(0).forEach(t -> scene.says(t, Phase.DOWNLOADING));
    scene.tickAfter(TIMINGS.patience().phaseDeadline());
    assertThat(scene.standing().outcomes()).containsValue(Outcome.STALLED);
    scene.tickAfter(SOAK);
    scene.tickAfter(TIMINGS.waveDeadline());
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
  }

  @Test
  void a_device_that_falls_silent_on_trial_counts_as_failed() {
    Scene scene = new Scene(targets(0, SMALL, 1), QUIET_GATE);
    scene.tick();
    scene.says(scene.wave(0).get(0), Phase.PROBATION);
    scene.tickAfter(TIMINGS.patience().lostAfter().minusMillis(1));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.RUNNING);
    scene.tickAfter(Duration.ofMillis(1));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
  }

  @Test
  void what_devices_could_not_say_is_not_held_against_them() {
    Scene scene = new Scene(targets(0, SMALL, 2), QUIET_GATE);
    scene.tick();
    RolloutTarget onTrial = scene.wave(0).get(0);
    scene.says(onTrial, Phase.PROBATION);
    scene.says(scene.wave(0).get(1), Phase.DOWNLOADING);
    // The coordinator was away, longer than it has patience with anybody.
    scene.fleet.pass(TIMINGS.patience().phaseDeadline().multipliedBy(2));
    scene.fleet.deafUntilNow();
    assertThat(scene.standing().outcomes().values()).containsOnly(Outcome.IN_PROGRESS);
    scene.fleet.pass(TIMINGS.patience().lostAfter().minusMillis(1));
    assertThat(scene.standing().outcomes().values()).containsOnly(Outcome.IN_PROGRESS);
    scene.fleet.pass(Duration.ofMillis(1));
    assertThat(scene.standing().outcomes()).containsEntry(onTrial.device(), Outcome.LOST);
  }

  @Test
  void a_soak_in_which_nobody_listened_begins_anew() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 3)), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0));
    scene.tick();
    scene.fleet.pass(SOAK.multipliedBy(2));
    scene.fleet.deafUntilNow();
    scene.tick();
    scene.tickAfter(SOAK.minusMillis(1));
    assertThat(scene.status().wave().orElseThrow().stage()).isEqualTo(WaveStage.SOAKING);
    scene.tickAfter(Duration.ofMillis(1));
    assertThat(scene.status().wave().orElseThrow().index()).isEqualTo(1);
  }

  /** Whether they run what it sent them already, or are still to fetch it. */
  @ParameterizedTest
  @EnumSource(names = {"COMMITTED", "DOWNLOADING", "FAILED"})
  void devices_of_the_rollout_that_it_took_the_place_of_return_as_well(Phase phase) {
    Scene scene = withHeir();
    RolloutTarget heir = scene.wave(1).get(0);
    scene.fleet.superseded.add(OLDER);
    scene.says(heir, phase);
    scene.tick();
    scene.says(scene.wave(0).get(0), Phase.ROLLED_BACK);
    scene.tick();
    boolean refused = phase == Phase.FAILED;
    assertThat(wanted(scene, List.of(heir)))
        .containsExactly(Optional.of(refused ? Scene.digest("older") : OLD));
    assertThat(scene.fleet.generation(scene.wave(1).get(1).device())).as("untouched").isEqualTo(2);

    scene.commits(scene.wave(0));
    scene.tick();
    assertThat(scene.phase())
        .isEqualTo(refused ? RolloutPhase.ROLLED_BACK : RolloutPhase.ROLLING_BACK);
    scene.commits(List.of(heir));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  @Test
  void devices_of_a_rollout_that_goes_on_or_has_proven_its_artifact_are_left_to_it() {
    Scene scene = withHeir();
    RolloutTarget heir = scene.wave(1).get(0);
    scene.says(heir, Phase.COMMITTED);
    scene.tick();
    scene.says(scene.wave(0).get(0), Phase.ROLLED_BACK);
    scene.tick();
    assertThat(wanted(scene, List.of(heir))).containsExactly(Optional.of(Scene.digest("older")));
  }

  private static final RolloutId OLDER = new RolloutId("r0");

  /** One canary, then two devices, the first of which an older rollout has sent its artifact. */
  private static Scene withHeir() {
    List<RolloutTarget> late =
        targets(1, SMALL, 2).stream()
            .map(
                t ->
                    new RolloutTarget(
                        t.device(),
                        t.hardwareClass(),
                        1,
                        t.artifact(),
                        new RolloutTarget.Origin(2, Optional.of(OLD))))
            .toList();
    Scene scene = new Scene(join(targets(0, SMALL, 1), late), QUIET_GATE);
    DeviceId heir = late.get(0).device();
    // In place of the wish that the scene begins with.
    scene.fleet.wishes.remove(heir + "#2");
    scene.fleet.wish(
        new DesiredState(heir, 2, Optional.of(Scene.digest("older")), Optional.of(OLDER), 0));
    return scene;
  }

  @Test
  void a_canary_of_one_whose_live_accuracy_collapses_fails_and_spares_the_others() {
    Scene scene = new Scene(join(targets(0, SMALL, 1), targets(1, SMALL, 2)), GatePolicy.DEFAULT);
    scene.tick();
    scene.commits(scene.wave(0));
    scene.measures(SMALL, 40, 20, 2);
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    assertThat(scene.status().attention().reasons().get(0).text())
        .contains("live accuracy 10.0 % on 20 labelled inferences, baseline 90.0 %");
    assertThat(wanted(scene, join(scene.wave(0), scene.wave(1)))).containsOnly(Optional.of(OLD));
    assertThat(scene.fleet.contains(artifact(SMALL), SMALL)).isTrue();

    scene.commits(scene.wave(0));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  @Test
  void too_little_telemetry_is_inconclusive_and_enough_of_it_after_a_resume_passes() {
    Scene scene = new Scene(targets(0, SMALL, 1), GatePolicy.DEFAULT);
    scene.tick();
    scene.passes(0);
    scene.measures(SMALL, 29, 0, 0);
    scene.tickAfter(TIMINGS.waveDeadline());
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    assertThat(scene.status().attention().reasons().get(0).text())
        .contains("small: 29 of 30 inferences measured");

    scene.measures(SMALL, 30, 0, 0);
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    scene.command((p, s, f, now) -> RolloutCommand.resume(p, s, f, "ann", now));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.SUCCEEDED);
  }

  @Test
  void harm_ends_a_rollout_even_while_it_is_paused() {
    Scene scene = new Scene(targets(0, SMALL, 3), QUIET_GATE);
    scene.tick();
    scene.command((p, s, f, now) -> RolloutCommand.pause(p, s, f, "ann", now));
    scene.wave(0).forEach(t -> scene.says(t, Phase.FAILED));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
  }

  @Test
  void harm_that_shows_after_a_wave_has_closed_ends_the_rollout_too() {
    Scene scene =
        new Scene(
            join(join(targets(0, SMALL, 1), targets(0, LARGE, 1)), targets(1, SMALL, 2)),
            QUIET_GATE);
    scene.tick();
    scene.measures(SMALL, 40, 20, 18);
    scene.passes(0);
    scene.commits(scene.wave(1));
    scene.tick();
    assertThat(scene.status().wave().orElseThrow().stage()).isEqualTo(WaveStage.SOAKING);

    scene.measures(0, SMALL, 400, new WaveHealth.Feedback(200, 60));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    assertThat(scene.status().attention().reasons().get(0).kind())
        .isEqualTo(RolloutStatus.Reason.Kind.GATE_FAILED);
    assertThat(scene.status().attention().reasons().get(0).text())
        .startsWith("wave 1, after it passed: small: live accuracy 30.0 %");
    assertThat(scene.status().closed())
        .extracting(r -> r.judgement().verdict().getClass().getSimpleName())
        .as("what was recorded stays; the wave in hand ends undecided")
        .containsExactly("Pass", "Inconclusive");
    assertThat(wanted(scene, join(scene.wave(0), scene.wave(1)))).containsOnly(Optional.of(OLD));
    assertThat(scene.fleet.all()).extracting(Quarantine::digest).containsExactly(artifact(SMALL));
  }

  @Test
  void devices_of_a_closed_wave_that_fail_late_end_the_rollout_even_while_it_is_paused() {
    Scene scene = new Scene(join(targets(0, SMALL, 5), targets(1, SMALL, 5)), QUIET_GATE);
    scene.tick();
    scene.passes(0);
    scene.command((p, s, f, now) -> RolloutCommand.pause(p, s, f, "ann", now));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    scene.wave(0).forEach(t -> scene.says(t, Phase.ROLLED_BACK));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    assertThat(scene.status().attention().reasons().get(0).text())
        .startsWith("wave 1, after it passed: small: 5 of 5 attempted devices failed");
  }

  @Test
  void a_closed_wave_that_is_merely_in_doubt_changes_nothing() {
    Scene scene = new Scene(join(targets(0, SMALL, 5), targets(1, SMALL, 5)), QUIET_GATE);
    scene.tick();
    scene.passes(0);
    scene.says(scene.wave(0).get(0), Phase.ROLLED_BACK);
    scene.passes(1);
    assertThat(scene.phase()).isEqualTo(RolloutPhase.SUCCEEDED);
  }

  @Test
  void a_class_that_nobody_tried_is_not_carried_into_the_next_wave() {
    Scene scene =
        new Scene(
            join(join(targets(0, SMALL, 8), targets(0, LARGE, 1)), targets(1, LARGE, 5)),
            QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0).subList(0, 8));
    scene.tick();
    scene.tickAfter(SOAK);
    assertThat(scene.standing().waitingFor())
        .contains("gate to pass: large: no device has tried the artifact");
    scene.tickAfter(TIMINGS.waveDeadline());
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
  }

  @Test
  void a_device_that_a_newer_rollout_took_is_neither_offered_nor_recalled() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 1)), QUIET_GATE);
    scene.tick();
    RolloutTarget touched = scene.wave(0).get(0);
    RolloutTarget untouched = scene.wave(1).get(0);
    Optional<RolloutId> newer = Optional.of(new RolloutId("r2"));
    for (RolloutTarget taken : List.of(touched, untouched)) {
      long generation = scene.fleet.generation(taken.device()) + 1;
      scene.fleet.wish(
          new DesiredState(
              taken.device(), generation, Optional.of(Scene.digest("newer")), newer, 0));
    }
    scene.commits(scene.wave(0).subList(1, 2));
    scene.tick();
    scene.tickAfter(SOAK);
    scene.command((p, s, f, now) -> RolloutCommand.abort(p, s, f, "ann", now));
    scene.tick();
    assertThat(wanted(scene, List.of(touched, untouched)))
        .containsOnly(Optional.of(Scene.digest("newer")));
  }

  @Test
  void a_second_look_at_the_same_facts_changes_nothing() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 3)), QUIET_GATE);
    scene.tick();
    RolloutStatus before = scene.status();
    int wishes = scene.fleet.wishes.size();
    scene.tick();
    scene.tick();
    assertThat(scene.status()).isEqualTo(before);
    assertThat(scene.fleet.wishes).hasSize(wishes);
  }

  private static List<Optional<Digest>> wanted(Scene scene, List<RolloutTarget> targets) {
    return targets.stream()
        .map(t -> scene.fleet.desired(t.device()).orElseThrow().artifact())
        .toList();
  }

  private static GatePolicy gateWithFailureRateMax(double limit) {
    GatePolicy.Outcomes o = QUIET_GATE.outcomes();
    return new GatePolicy(
        new GatePolicy.Outcomes(limit, o.minSample(), 0.5, o.reachedMin(), o.settledMin()),
        QUIET_GATE.health());
  }
}
