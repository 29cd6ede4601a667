package io.stillhouse.agent.update;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.health.Verdict;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.UpdateMachine;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeDisk;
import io.stillhouse.agent.testing.FakeDisk.Loss;
import io.stillhouse.agent.testing.FakeDisk.PowerCut;
import io.stillhouse.agent.testing.TestBundle;
import java.io.IOException;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The power goes after every single file operation of an update, what was not forced is lost, kept
 * or torn, and the device boots again. It must always come up with a verified model, and end where
 * the update would have ended.
 */
class PowerCutTest {
  private final TestBundle first = TestBundle.sound(1);
  private TestBundle second = TestBundle.large(2, 300_000);

  /** How the update under test ends when nothing interferes. */
  enum Course {
    GOOD(Phase.COMMITTED),
    FAILS_SELF_TEST(Phase.ROLLED_BACK),
    FAILS_PROBATION(Phase.ROLLED_BACK);

    private final Phase end;

    Course(Phase end) {
      this.end = end;
    }
  }

  private UpdateWorld world(Course course) throws IOException {
    UpdateWorld world = new UpdateWorld();
    world.deploy(1, first);
    world.source.serving(second);
    world.selfTestFailure = course == Course.FAILS_SELF_TEST ? "no" : "";
    world.probation =
        course == Course.FAILS_PROBATION ? new Verdict.Fail("no") : new Verdict.Pass();
    return world;
  }

  private Desired wish() {
    return new Desired(2, Optional.of(second.digest()), "r", 0, UpdateWorld.PROBATION);
  }

  /** Runs into the cut, if it comes; then boots. Whether it came. */
  private boolean cut(UpdateWorld world, long operation, Loss loss, Random random)
      throws IOException {
    world.disk.cutBefore(world.disk.operations() + operation);
    boolean came = false;
    try {
      if (operation % 2 == 0) {
        // Every other time the cut hits a device that is just booting.
        world.boot();
      }
      world.updater.wish(wish());
      world.settle();
    } catch (PowerCut e) {
      came = true;
    }
    world.disk.restart(loss, random);
    try {
      world.boot();
    } catch (PowerCut e) {
      throw new AssertionError("the power is back", e);
    }
    return came;
  }

  private void assertRunsSomethingVerified(UpdateWorld world, String where) {
    Optional<Digest> running = world.updater.running();
    assertThat(running).as(where).isPresent();
    assertThat(running.orElseThrow()).as(where).isIn(first.digest(), second.digest());
    // The host checks the file's digest, so what it runs is whole; what is kept must be, too.
    assertThat(
            new io.stillhouse.agent.artifact.Slots(world.disk, world.layout)
                .damaged(world.updater.state().models()))
        .as(where)
        .isEmpty();
  }

  private void finish(UpdateWorld world, Course course, String where) {
    world.updater.wish(wish());
    UpdateState end = world.settle();
    if (end.progress().abnormalExits() > UpdateMachine.ABNORMAL_EXITS_MAX) {
      // Three deaths on trial are a crash loop, whatever killed the device.
      assertThat(end.evidence().refusal().orElseThrow().reason())
          .as(where)
          .isEqualTo(RefusalReason.CRASH_LOOP);
      assertRunsSomethingVerified(world, where);
      return;
    }
    assertThat(end.phase()).as(where).isIn(course.end, Phase.ALREADY_SATISFIED);
    assertThat(world.updater.running())
        .as(where)
        .contains(course == Course.GOOD ? second.digest() : first.digest());
    assertRunsSomethingVerified(world, where);
  }

  @ParameterizedTest
  @EnumSource
  void after_a_cut_at_every_file_operation_the_device_has_a_model_and_finishes(Course course)
      throws IOException {
    assertThat(cutEverywhere(course)).isGreaterThan(300);
  }

  @Test
  void a_cut_while_a_packed_form_is_fetched_and_unfolded_costs_nothing() throws IOException {
    second = TestBundle.packed(2, 8_000);
    assertThat(cutEverywhere(Course.GOOD)).isGreaterThan(300);
  }

  private int cutEverywhere(Course course) throws IOException {
    int cuts = 0;
    for (Loss loss : Loss.values()) {
      for (int seed = 0; seed < (loss == Loss.BY_CHANCE ? 6 : 1); seed++) {
        boolean came = true;
        for (int operation = 1; came; operation++) {
          UpdateWorld world = world(course);
          String where =
              "%s, loss %s, seed %d, operation %d".formatted(course, loss, seed, operation);
          came = cut(world, operation, loss, new Random(seed));
          assertRunsSomethingVerified(world, where);
          finish(world, course, where);
          cuts += came ? 1 : 0;
        }
      }
    }
    System.out.println(course + ": " + cuts + " cuts");
    return cuts;
  }

  @ParameterizedTest
  @EnumSource
  void a_second_cut_during_the_recovery_from_the_first_changes_nothing(Course course)
      throws IOException {
    int cuts = 0;
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      UpdateWorld world = world(course);
      String where = "%s, seed %d".formatted(course, seed);
      boolean once = cut(world, 1 + random.nextInt(60), Loss.BY_CHANCE, random);
      assertRunsSomethingVerified(world, where);
      boolean twice = cut(world, 1 + random.nextInt(30), Loss.BY_CHANCE, random);
      assertRunsSomethingVerified(world, where);
      finish(world, course, where);
      cuts += once && twice ? 1 : 0;
    }
    assertThat(cuts).isGreaterThan(50);
  }

  @Test
  void a_device_that_loses_power_again_and_again_never_stays_without_a_model() throws IOException {
    for (int seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      UpdateWorld world = world(Course.GOOD);
      for (int i = 0; i < 12; i++) {
        cut(world, 1 + random.nextInt(25), Loss.BY_CHANCE, random);
        assertRunsSomethingVerified(world, "seed " + seed + ", cut " + i);
      }
      world.updater.wish(wish());
      UpdateState end = world.settle();
      assertThat(end.phase())
          .as("seed %d", seed)
          .isIn(Phase.COMMITTED, Phase.ROLLED_BACK, Phase.ALREADY_SATISFIED);
    }
  }

  @Test
  void the_fake_disk_does_lose_what_was_not_forced() throws IOException {
    FakeDisk disk = new FakeDisk();
    java.nio.file.Path directory = java.nio.file.Path.of("/d");
    disk.createDirectories(directory);
    disk.write(directory.resolve("a"), new byte[] {1});
    disk.force(directory.resolve("a"));
    disk.restart(Loss.EVERYTHING, new Random(1));
    assertThat(disk.exists(directory.resolve("a"))).isFalse();
    disk.write(directory.resolve("a"), new byte[] {1});
    disk.forceDirectory(directory);
    disk.restart(Loss.EVERYTHING, new Random(1));
    assertThat(disk.size(directory.resolve("a"))).isZero();
  }
}
