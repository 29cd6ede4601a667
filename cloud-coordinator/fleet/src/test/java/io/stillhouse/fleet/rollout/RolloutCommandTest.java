package io.stillhouse.fleet.rollout;

import static io.stillhouse.fleet.simulation.Scene.OLD;
import static io.stillhouse.fleet.simulation.Scene.QUIET_GATE;
import static io.stillhouse.fleet.simulation.Scene.SMALL;
import static io.stillhouse.fleet.simulation.Scene.SOAK;
import static io.stillhouse.fleet.simulation.Scene.TIMINGS;
import static io.stillhouse.fleet.simulation.Scene.artifact;
import static io.stillhouse.fleet.simulation.Scene.join;
import static io.stillhouse.fleet.simulation.Scene.targets;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.drive.RolloutDriver.Decider;
import io.stillhouse.fleet.rollout.RolloutStatus.Reason;
import io.stillhouse.fleet.simulation.Scene;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RolloutCommandTest {
  private static final Decider PAUSE = (p, s, f, now) -> RolloutCommand.pause(p, s, f, "ann", now);
  private static final Decider RESUME =
      (p, s, f, now) -> RolloutCommand.resume(p, s, f, "ann", now);
  private static final Decider ABORT = (p, s, f, now) -> RolloutCommand.abort(p, s, f, "ann", now);

  @Test
  void a_paused_rollout_opens_no_wave_and_a_resumed_one_goes_on_where_it_was() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 2)), QUIET_GATE);
    scene.tick();
    scene.command(PAUSE);
    scene.passes(0);
    scene.tickAfter(TIMINGS.waveDeadline().multipliedBy(2));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.PAUSED);
    assertThat(scene.status().attention().reasons())
        .containsExactly(new Reason(Reason.Kind.OPERATOR, "paused by ann"));
    assertThat(scene.status().closed()).isEmpty();

    scene.command(RESUME);
    scene.tick();
    scene.tickAfter(SOAK);
    assertThat(scene.status().wave().orElseThrow().index()).isEqualTo(1);
  }

  @Test
  void repeated_commands_change_nothing() {
    Scene scene = new Scene(targets(0, SMALL, 2), QUIET_GATE);
    scene.tick();
    assertThat(scene.command(RESUME)).isEqualTo(scene.status());
    RolloutStatus paused = scene.command(PAUSE);
    assertThat(scene.command(PAUSE)).isEqualTo(paused);
    RolloutStatus aborting = scene.command(ABORT);
    assertThat(aborting.phase()).isEqualTo(RolloutPhase.ABORTING);
    assertThat(scene.command(ABORT)).isEqualTo(aborting);
    assertThat(scene.command(PAUSE)).isEqualTo(aborting);
    assertThat(scene.command(RESUME)).isEqualTo(aborting);
  }

  @Test
  void a_plan_that_is_paused_before_it_began_begins_when_resumed() {
    Scene scene = new Scene(targets(0, SMALL, 2), QUIET_GATE);
    scene.command(PAUSE);
    scene.tick();
    assertThat(scene.fleet.wishes).hasSize(2);
    scene.command(RESUME);
    scene.tick();
    assertThat(scene.fleet.wishes).hasSize(4);
    assertThat(scene.status().wave()).isPresent();
  }

  @Test
  void a_plan_that_is_aborted_before_it_began_is_cancelled() {
    Scene scene = new Scene(targets(0, SMALL, 2), QUIET_GATE);
    assertThat(scene.command(ABORT).phase()).isEqualTo(RolloutPhase.CANCELLED);
    scene.tick();
    assertThat(scene.fleet.wishes).hasSize(2);
  }

  @Test
  void an_abort_returns_every_touched_device_in_a_new_generation_and_quarantines_nothing() {
    Scene scene = new Scene(join(targets(0, SMALL, 2), targets(1, SMALL, 2)), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0));
    scene.command(ABORT);
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    assertThat(scene.fleet.all()).isEmpty();
    for (RolloutTarget target : scene.wave(0)) {
      assertThat(scene.fleet.generation(target.device())).isEqualTo(3);
      assertThat(scene.fleet.desired(target.device()).orElseThrow().artifact()).hasValue(OLD);
    }
    for (RolloutTarget target : scene.wave(1)) {
      assertThat(scene.fleet.generation(target.device())).isEqualTo(1);
    }
    scene.commits(scene.wave(0));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(scene.status().closed().get(0).judgement().verdict())
        .isEqualTo(new Verdict.Inconclusive("aborted by ann"));
  }

  @Test
  void devices_that_do_not_come_back_are_named_until_they_do() {
    Scene scene = new Scene(targets(0, SMALL, 3), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0));
    scene.command(ABORT);
    scene.tick();
    scene.commits(scene.wave(0).subList(0, 1));
    scene.tickAfter(TIMINGS.rollbackDeadline().minusSeconds(2));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    scene.tickAfter(Duration.ofSeconds(2));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLBACK_INCOMPLETE);
    assertThat(scene.status().attention().devices())
        .containsExactly(new DeviceId("small-0-1"), new DeviceId("small-0-2"));
    assertThat(scene.standing().waitingFor())
        .isEqualTo("these devices to run their fallback: small-0-1, small-0-2");

    scene.commits(scene.wave(0).subList(1, 2));
    scene.tick();
    assertThat(scene.status().attention().devices()).containsExactly(new DeviceId("small-0-2"));
    scene.commits(scene.wave(0).subList(2, 3));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(scene.status().attention().devices()).isEmpty();
    assertThat(scene.status().attention().reasons())
        .extracting(Reason::kind)
        .containsExactly(Reason.Kind.OPERATOR);
  }

  @Test
  void nobody_waits_for_a_device_that_never_knew_of_the_offer_or_was_revoked() {
    Scene scene = new Scene(targets(0, SMALL, 2), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0).subList(0, 1));
    scene.fleet.revoked.add(scene.wave(0).get(0).device());
    scene.command(ABORT);
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(scene.fleet.desired(scene.wave(0).get(1).device()).orElseThrow().artifact())
        .hasValue(OLD);
  }

  @Test
  void a_device_without_a_model_before_returns_to_none() {
    RolloutTarget bare =
        new RolloutTarget(
            new DeviceId("bare"),
            SMALL,
            0,
            artifact(SMALL),
            new RolloutTarget.Origin(0, Optional.empty()));
    Scene scene = new Scene(List.of(bare), QUIET_GATE);
    scene.tick();
    scene.says(bare, Phase.ROLLED_BACK);
    scene.tick();
    assertThat(scene.fleet.desired(bare.device()).orElseThrow().artifact()).isEmpty();
    scene.runs(bare, Optional.of(artifact(SMALL)));
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLING_BACK);
    scene.runs(bare, Optional.empty());
    scene.tick();
    assertThat(scene.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  @Test
  void yields_only_to_a_rollout_that_covers_all_its_devices() {
    Scene scene = new Scene(targets(0, SMALL, 3), QUIET_GATE);
    scene.tick();
    RolloutSpec partial = newer(targets(0, SMALL, 2));
    assertThatThrownBy(
            () -> scene.command((p, s, f, now) -> RolloutCommand.supersede(p, s, f, partial, now)))
        .hasMessageContaining("does not cover");
    RolloutSpec whole = newer(targets(0, SMALL, 4));
    scene.command((p, s, f, now) -> RolloutCommand.supersede(p, s, f, whole, now));
    assertThat(scene.phase()).isEqualTo(RolloutPhase.SUPERSEDED);
  }

  @Test
  void late_devices_settle_the_tail_or_stop_it() {
    Scene good = tail();
    assertThat(good.phase()).isEqualTo(RolloutPhase.SUCCEEDED_WITH_TAIL);
    assertThat(good.status().attention().devices()).hasSize(4);
    good.commits(good.wave(0).subList(6, 10));
    good.tick();
    assertThat(good.phase()).isEqualTo(RolloutPhase.SUCCEEDED);
    assertThat(good.status().attention().devices()).isEmpty();

    Scene bad = tail();
    bad.wave(0).subList(6, 10).forEach(t -> bad.says(t, Phase.ROLLED_BACK));
    bad.tick();
    assertThat(bad.status().attention().reasons())
        .containsExactly(new Reason(Reason.Kind.TAIL_STOPPED, "4 of 4 late devices failed"));
    assertThat(bad.fleet.desired(bad.wave(0).get(9).device()).orElseThrow().artifact())
        .hasValue(OLD);
    assertThat(bad.fleet.desired(bad.wave(0).get(0).device()).orElseThrow().artifact())
        .hasValue(artifact(SMALL));
  }

  private static Scene tail() {
    Scene scene = new Scene(targets(0, SMALL, 10), QUIET_GATE);
    scene.tick();
    scene.commits(scene.wave(0).subList(0, 6));
    scene.tick();
    scene.tickAfter(SOAK);
    return scene;
  }

  private static RolloutSpec newer(List<RolloutTarget> targets) {
    return new RolloutSpec(
        new RolloutId("r2"), new ModelVersion("inspect", 4), targets, TIMINGS, QUIET_GATE);
  }
}
