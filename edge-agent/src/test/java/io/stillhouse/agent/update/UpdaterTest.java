package io.stillhouse.agent.update;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.health.Verdict;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.TestBundle;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UpdaterTest {
  private final TestBundle first = TestBundle.sound(1);
  private final TestBundle second = TestBundle.changed(2, m -> m.setReleaseCounter(6));

  @Test
  void a_good_model_is_committed_and_answers_after_a_restart_without_any_network()
      throws Exception {
    UpdateWorld world = new UpdateWorld();
    UpdateState state = world.deploy(1, first);
    assertThat(state.phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.phases)
        .containsSubsequence(
            Phase.OFFERED,
            Phase.DOWNLOADING,
            Phase.VERIFYING,
            Phase.STAGED,
            Phase.SELF_TEST,
            Phase.PROBATION,
            Phase.COMMITTED);
    world.source.connected(false);
    world.boot();
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.updater.state()).isEqualTo(state);
  }

  @Test
  void the_trial_answers_in_probation_only_and_telemetry_is_told() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.deploy(2, second);
    assertThat(world.host.activations)
        .extracting(s -> s.digest() + s.probation())
        .containsExactly(
            first.digest() + "true",
            first.digest() + "false",
            second.digest() + "true",
            second.digest() + "false");
    assertThat(world.host.activations.get(2).placement().rolloutId()).isEqualTo("rollout");
  }

  @Test
  void a_failed_self_test_never_reaches_live_requests() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.selfTestFailure = "p99 9 ms (expected: at most 5 ms)";
    UpdateState state = world.deploy(2, second);
    assertThat(state.phase()).isEqualTo(Phase.ROLLED_BACK);
    assertThat(state.evidence().refusal().orElseThrow().reason())
        .isEqualTo(RefusalReason.SELF_TEST);
    assertThat(state.evidence().selfTest().orElseThrow().latencyMicros().p99()).isEqualTo(20);
    assertThat(world.host.activations)
        .noneMatch(s -> s.digest().equals(second.digest().sha256Hex()));
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(state.memory().quarantine()).hasSize(1);
  }

  @Test
  void a_model_that_harms_in_probation_is_rolled_back_and_its_slot_emptied() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.probation = new Verdict.Fail("errors");
    UpdateState state = world.deploy(2, second);
    assertThat(state.phase()).isEqualTo(Phase.ROLLED_BACK);
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.disk.list(world.layout.slots())).hasSize(1);
  }

  @Test
  void a_fleet_rollback_uses_the_fallback_without_a_download() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.deploy(2, second);
    world.source.connected(false);
    world.phases.clear();
    UpdateState state = world.deploy(3, first);
    assertThat(state.phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.phases).doesNotContain(Phase.DOWNLOADING);
  }

  @Test
  void a_board_that_a_harmful_model_has_slowed_down_can_still_return() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.deploy(2, second);
    world.selfTestFailure = "p99 9 ms (expected: at most 5 ms)";
    assertThat(world.deploy(3, first).phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.updater.running()).contains(first.digest());
  }

  @Test
  void a_device_of_another_class_by_now_can_still_return_and_end_what_it_fetched()
      throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.source.serving(second);
    world.updater.wish(new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
    while (world.updater.state().phase() != Phase.VERIFYING) {
      world.updater.step();
    }
    world.hardwareClass = "x86_64-small-t1";
    world.boot();
    assertThat(world.settle().phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.updater.running()).contains(second.digest());
    assertThat(world.deploy(3, first).phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.deploy(4, TestBundle.sound(3)).phase()).isEqualTo(Phase.INCOMPATIBLE);
  }

  @Test
  void a_trial_that_does_harm_stops_answering_though_the_disk_is_full() throws Exception {
    for (boolean wished : new boolean[] {false, true}) {
      UpdateWorld world = new UpdateWorld();
      world.deploy(1, first);
      world.probation = new Verdict.Wait();
      world.source.serving(second);
      world.updater.wish(
          new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
      while (!world.updater.running().equals(Optional.of(second.digest()))) {
        world.updater.step();
      }
      world.disk.fullFrom(0);
      world.probation = new Verdict.Fail("errors");
      if (wished) {
        world.updater.wish(
            new Desired(3, Optional.of(first.digest()), "r", 0, UpdateWorld.PROBATION));
      }
      world.updater.step();
      assertThat(world.updater.running()).contains(first.digest());

      world.probation = new Verdict.Pass();
      world.updater.step();
      assertThat(world.updater.running()).contains(first.digest());
      world.disk.fullFrom(Long.MAX_VALUE);
      assertThat(world.settle().phase())
          .isEqualTo(wished ? Phase.ALREADY_SATISFIED : Phase.ROLLED_BACK);
      assertThat(world.updater.running()).contains(first.digest());
    }
  }

  @Test
  void a_newer_wish_ends_a_probation_under_way() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.probation = new Verdict.Wait();
    world.source.serving(second);
    world.updater.wish(new Desired(2, Optional.of(second.digest()), "r", 0, Duration.ofHours(1)));
    while (world.updater.state().phase() != Phase.PROBATION) {
      world.updater.step();
    }
    world.updater.step();
    assertThat(world.updater.running()).contains(second.digest());
    UpdateState state = world.deploy(3, first);
    assertThat(state.phase()).isEqualTo(Phase.ALREADY_SATISFIED);
    assertThat(world.updater.running()).contains(first.digest());
  }

  @Test
  void an_old_wish_and_a_repeated_one_change_nothing() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(5, first);
    UpdateState state = world.updater.state();
    world.deploy(5, second);
    world.deploy(4, second);
    assertThat(world.updater.state()).isEqualTo(state);
  }

  @Test
  void an_offline_device_waits_without_wearing_its_flash() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.source.connected(false);
    world.updater.wish(new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
    world.updater.step();
    long operations = world.disk.operations();
    for (int i = 0; i < 100; i++) {
      world.updater.step();
    }
    assertThat(world.disk.operations()).isEqualTo(operations);
    world.source.connected(true);
    assertThat(world.deploy(2, second).phase()).isEqualTo(Phase.COMMITTED);
  }

  @Test
  void a_release_below_the_floor_fails_and_leaves_what_runs() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, TestBundle.changed(1, m -> m.setReleaseCounter(7)));
    world.deploy(2, TestBundle.changed(2, m -> m.setReleaseCounter(8)));
    UpdateState state = world.deploy(3, TestBundle.changed(3, m -> m.setReleaseCounter(6)));
    assertThat(state.phase()).isEqualTo(Phase.FAILED);
    assertThat(state.evidence().refusal().orElseThrow().reason())
        .isEqualTo(RefusalReason.OLD_RELEASE);
    assertThat(world.updater.running()).isPresent();
  }

  @Test
  void a_damaged_committed_bundle_gives_way_to_the_fallback_and_heals_by_the_next_word()
      throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    UpdateState state = world.deploy(2, second);
    Installed committed = state.models().committed().orElseThrow();
    world.disk.damage(world.layout.slot(committed.slot()).resolve(BundlePlan.MODEL), new Random(3));
    world.boot();
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.deploy(2, second).phase()).isEqualTo(Phase.COMMITTED);
    assertThat(world.updater.running()).contains(second.digest());
  }

  @Test
  void a_lost_journal_leaves_the_committed_model_answering() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.deploy(2, second);
    world.disk.damage(world.layout.journal(), new Random(5));
    world.boot();
    assertThat(world.updater.running()).contains(second.digest());
    assertThat(world.deploy(2, second).phase()).isEqualTo(Phase.ALREADY_SATISFIED);
  }

  @Test
  void three_deaths_on_trial_end_in_a_rollback() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.probation = new Verdict.Wait();
    world.source.serving(second);
    world.updater.wish(new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
    for (int death = 0; death < 3; death++) {
      while (world.updater.state().phase() != Phase.PROBATION) {
        world.updater.step();
      }
      world.boot();
    }
    assertThat(world.updater.state().phase()).isEqualTo(Phase.ROLLING_BACK);
    assertThat(world.updater.running()).contains(first.digest());
    assertThat(world.settle().phase()).isEqualTo(Phase.ROLLED_BACK);
  }

  @Test
  void a_disk_that_is_full_at_any_operation_costs_time_and_never_the_running_model()
      throws Exception {
    for (int operation = 0; operation < 60; operation++) {
      UpdateWorld world = new UpdateWorld();
      world.deploy(1, first);
      world.source.serving(second);
      world.disk.fullFrom(world.disk.operations() + operation);
      world.updater.wish(
          new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
      for (int i = 0; i < 6; i++) {
        world.nanos += world.updater.step().toNanos();
      }
      assertThat(world.updater.running()).as("operation %d", operation).isPresent();
      world.disk.fullFrom(Long.MAX_VALUE);
      assertThat(world.settle().phase()).as("operation %d", operation).isEqualTo(Phase.COMMITTED);
      assertThat(world.updater.running()).contains(second.digest());
    }
  }

  @Test
  void a_boot_on_a_disk_that_is_full_from_any_operation_on_serves_the_committed_model()
      throws Exception {
    for (int operation = 0; operation < 8; operation++) {
      UpdateWorld world = new UpdateWorld();
      world.deploy(1, first);
      world.probation = new Verdict.Wait();
      world.source.serving(second);
      world.updater.wish(
          new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
      while (world.updater.state().phase() != Phase.PROBATION) {
        world.updater.step();
      }
      world.disk.fullFrom(world.disk.operations() + operation);
      world.boot();
      assertThat(world.updater.running()).as("operation %d", operation).contains(first.digest());

      world.disk.fullFrom(Long.MAX_VALUE);
      world.probation = new Verdict.Pass();
      assertThat(world.settle().phase()).as("operation %d", operation).isEqualTo(Phase.COMMITTED);
      assertThat(world.updater.state().progress().abnormalExits()).isEqualTo(1);
    }
  }

  @Test
  void nothing_begins_before_the_state_after_a_boot_is_on_record() throws Exception {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.probation = new Verdict.Wait();
    world.source.serving(second);
    world.updater.wish(new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION));
    while (world.updater.state().phase() != Phase.PROBATION) {
      world.updater.step();
    }
    world.disk.fullFrom(0);
    for (int start = 0; start < 5; start++) {
      world.boot();
      for (int i = 0; i < 5; i++) {
        world.updater.step();
      }
      // A self-test here would be one more that no record counts, and could go on for ever.
      assertThat(world.updater.state().phase()).isEqualTo(Phase.SELF_TEST);
      assertThat(world.updater.state().progress().abnormalExits()).isEqualTo(1);
      assertThat(world.updater.running()).contains(first.digest());
    }
  }

  @Test
  void a_lost_journal_or_a_damaged_model_on_a_full_disk_leaves_what_verifies_answering()
      throws Exception {
    for (boolean journalLost : new boolean[] {true, false}) {
      UpdateWorld world = new UpdateWorld();
      world.deploy(1, first);
      Installed committed = world.deploy(2, second).models().committed().orElseThrow();
      world.disk.damage(
          journalLost
              ? world.layout.journal()
              : world.layout.slot(committed.slot()).resolve(BundlePlan.MODEL),
          new Random(3));
      world.disk.fullFrom(0);
      world.boot();
      assertThat(world.updater.running()).contains(journalLost ? second.digest() : first.digest());
      world.disk.fullFrom(Long.MAX_VALUE);
      world.updater.step();
      UpdateState kept = world.updater.state();
      world.boot();
      assertThat(world.updater.state()).isEqualTo(kept);
    }
  }
}
