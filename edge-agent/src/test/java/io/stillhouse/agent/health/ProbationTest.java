package io.stillhouse.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.hardware.DeviceLimits.ModelLimits;
import io.stillhouse.agent.inference.HostSettings;
import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.OnnxModelHost;
import io.stillhouse.agent.testing.FakeHost;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.agent.testing.TinyModels;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ProbationTest {
  private static final Duration LENGTH = Duration.ofSeconds(30);

  @TempDir Path directory;
  private final FakeHost host = new FakeHost(new RealDisk());
  private final AtomicInteger replays = new AtomicInteger();
  private TrialSlot slot;
  private long nanos = Long.MAX_VALUE - 5;

  @BeforeEach
  void makes_a_bundle_live() throws Exception {
    slot = TrialSlot.of(directory, TestBundle.sound(1));
    host.activate(slot.loaded());
    host.answering(
        image -> {
          replays.incrementAndGet();
          return new InferenceOutcome.Busy();
        });
  }

  private Trials.Watch watch(ModelHost watched) {
    ProcessTrials.Settings settings =
        new ProcessTrials.Settings(
            1, directory, new ModelLimits(0, 0, 0), () -> false, Duration.ofSeconds(1));
    return new ProcessTrials(watched, settings, () -> nanos)
        .watch(slot.path(), slot.plan(), LENGTH);
  }

  private void counted(long inferences, long errors) {
    host.counted(new LiveStats.Counts(inferences, errors, 0, 0, 0), 100);
  }

  private static String reason(Verdict verdict) {
    return verdict.match(() -> "pass", () -> "wait", Verdict.Fail::reason);
  }

  @Test
  void waits_for_its_time_and_then_passes_on_live_answers() {
    Trials.Watch watch = watch(host);
    counted(1_000, 0);
    nanos += LENGTH.toNanos() - 1;
    assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
    nanos++;
    assertThat(watch.poll()).isEqualTo(new Verdict.Pass());
    assertThat(replays).as("live answers were enough").hasValue(0);
  }

  @Test
  void too_few_answers_are_no_pass() {
    Trials.Watch watch = watch(host);
    nanos += 10 * LENGTH.toNanos();
    counted(Probation.ANSWERED_MIN - 1, 0);
    assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
    counted(Probation.ANSWERED_MIN, 0);
    assertThat(watch.poll()).isEqualTo(new Verdict.Pass());
  }

  @Test
  void errors_fail_it_before_its_time() {
    Trials.Watch watch = watch(host);
    counted(10, Probation.ERRORS_MIN - 1);
    assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
    counted(10, Probation.ERRORS_MIN);
    assertThat(reason(watch.poll())).startsWith("errors: 3 of 10 inferences");
  }

  @Test
  void errors_within_the_share_do_no_harm_but_a_doubtful_share_is_no_pass() {
    Trials.Watch watch = watch(host);
    nanos += LENGTH.toNanos();
    counted(40, 1);
    assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
    counted(1_000, 20);
    assertThat(watch.poll()).isEqualTo(new Verdict.Pass());
    counted(1_000, 21);
    assertThat(reason(watch.poll())).startsWith("errors: 21 of 1000");
  }

  @Test
  void one_answer_that_is_not_finite_fails_it() {
    Trials.Watch watch = watch(host);
    host.counted(new LiveStats.Counts(100_000, 1, 1, 0, 0), 100);
    assertThat(reason(watch.poll())).startsWith("answers with values that are not finite: 1");
  }

  @Test
  void a_model_that_is_no_longer_live_fails() throws Exception {
    Trials.Watch watch = watch(host);
    counted(1_000, 0);
    nanos += LENGTH.toNanos();
    host.activate(TrialSlot.of(directory.resolve("b"), TestBundle.sound(2)).loaded());
    assertThat(reason(watch.poll())).startsWith("live model: ");
    host.deactivate();
    assertThat(reason(watch.poll())).startsWith("live model: none");
  }

  @Test
  void an_idle_device_commits_on_golden_inputs() {
    try (OnnxModelHost real = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      real.activate(slot.loaded());
      Trials.Watch watch = watch(real);
      assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
      assertThat(real.replayed().inferences()).as("before its time").isZero();
      nanos += LENGTH.toNanos();
      // Four golden examples a poll.
      for (int poll = 1; poll < 5; poll++) {
        assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
      }
      assertThat(watch.poll()).isEqualTo(new Verdict.Pass());
      assertThat(real.replayed()).isEqualTo(new LiveStats.Counts(20, 0, 0, 0, 0));
      assertThat(real.stats())
          .as("what telemetry is made of")
          .isEqualTo(LiveStats.none(TestBundle.CLASSES));
    }
  }

  @Test
  void live_and_golden_answers_count_together() {
    try (OnnxModelHost real = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      real.activate(slot.loaded());
      Trials.Watch watch = watch(real);
      for (int i = 0; i < Probation.ANSWERED_MIN - 1; i++) {
        real.infer(FloatBuffer.allocate(TestBundle.INPUTS), OptionalInt.empty());
      }
      nanos += LENGTH.toNanos();
      assertThat(watch.poll()).isEqualTo(new Verdict.Pass());
      assertThat(real.stats().counts().inferences()).isEqualTo(Probation.ANSWERED_MIN - 1);
    }
  }

  @Test
  void an_idle_device_falls_back_when_golden_inputs_fail() throws Exception {
    slot =
        TrialSlot.of(
            directory,
            TrialSlot.ofTinyModel(
                TinyModels.squareRoot(), List.of(-1f, 0f, 0f, 0f), List.of(0f, 0f, 0f)));
    try (OnnxModelHost real = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      real.activate(slot.loaded());
      Trials.Watch watch = watch(real);
      nanos += LENGTH.toNanos();
      assertThat(reason(watch.poll())).startsWith("answers with values that are not finite: 1");
    }
  }

  @Test
  void golden_inputs_stop_at_the_first_that_is_not_answered() {
    Trials.Watch watch = watch(host);
    nanos += LENGTH.toNanos();
    assertThat(watch.poll()).isEqualTo(new Verdict.Wait());
    assertThat(replays).hasValue(1);
  }

  @Test
  void golden_inputs_that_are_gone_are_no_pass() throws Exception {
    Trials.Watch watch = watch(host);
    nanos += LENGTH.toNanos();
    Files.delete(directory.resolve(BundlePlan.GOLDEN));
    assertThat(reason(watch.poll())).startsWith("its golden inputs cannot be read back");
  }
}
