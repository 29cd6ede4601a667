package io.stillhouse.agent.health;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.hardware.DeviceLimits.ModelLimits;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.testing.ScriptedHost;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.agent.testing.TinyModels;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Self-tests in real child processes. */
@Timeout(120)
class ProcessTrialsTest {
  private static final ModelLimits UNLIMITED = new ModelLimits(0, 0, 0);
  private static final Duration LONG = Duration.ofSeconds(100);

  /** Shared, so that the runtime's libraries are unpacked once. */
  @TempDir static Path libraries;

  @TempDir Path directory;

  @AfterEach
  void no_process_is_left_behind() {
    assertThat(child()).isEmpty();
  }

  private static Optional<ProcessHandle> child() {
    return ProcessHandle.current().children().filter(ProcessHandle::isAlive).findFirst();
  }

  private TestFigures selfTest(TestBundle bundle, ModelLimits limits) throws Exception {
    return selfTest(TrialSlot.of(directory, bundle), settings(limits, () -> false));
  }

  private static TestFigures selfTest(TrialSlot slot, ProcessTrials.Settings settings)
      throws InterruptedException {
    return new ProcessTrials(new ScriptedHost(), settings, System::nanoTime)
        .selfTest(slot.path(), slot.plan());
  }

  private static ProcessTrials.Settings settings(ModelLimits limits, BooleanSupplier abandoned) {
    return new ProcessTrials.Settings(1, libraries, limits, abandoned, LONG);
  }

  @Test
  void a_good_bundle_passes_with_its_figures() throws Exception {
    TestFigures figures =
        selfTest(TestBundle.sound(1), new ModelLimits(1L << 30, 1 << 20, 60_000_000));
    assertThat(figures.failure()).isEmpty();
    assertThat(figures.maxAbsError()).isBetween(0.0, 1e-3);
    assertThat(figures.argmaxAgreement()).isEqualTo(1);
    assertThat(figures.latencyMicros().p50()).isPositive();
    assertThat(figures.latencyMicros().p99()).isGreaterThanOrEqualTo(figures.latencyMicros().p50());
    assertThat(figures.memoryBytes()).isPositive();
  }

  @Test
  void outputs_unlike_the_golden_ones_fail() throws Exception {
    byte[] model = TestBundle.soundFiles(1, 0).get(BundlePlan.MODEL);
    byte[] golden = TestBundle.soundFiles(2, 0).get(BundlePlan.GOLDEN);
    TestFigures figures =
        selfTest(
            TestBundle.ofFiles(Map.of(BundlePlan.MODEL, model, BundlePlan.GOLDEN, golden)),
            UNLIMITED);
    assertThat(figures.failure()).contains("an output is off by", "expected: at most 0.001");
    assertThat(figures.maxAbsError()).isGreaterThan(1e-3);
  }

  @Test
  void another_class_within_the_tolerance_fails() throws Exception {
    TestFigures figures =
        selfTest(
            TrialSlot.ofTinyModel(
                TinyModels.linear(new float[3], new float[] {1, 1.0005f, 0}),
                List.of(0f, 0f, 0f, 0f),
                List.of(1.0005f, 1f, 0f)),
            UNLIMITED);
    assertThat(figures.failure())
        .isEqualTo("arg-max agreement over 1 golden examples: 0.0 (expected: at least 1.0)");
    assertThat(figures.argmaxAgreement()).isZero();
  }

  @Test
  void values_that_are_not_finite_fail() throws Exception {
    TestFigures figures =
        selfTest(
            TrialSlot.ofTinyModel(
                TinyModels.squareRoot(), List.of(-1f, 0f, 0f, 0f), List.of(0f, 0f, 0f)),
            UNLIMITED);
    assertThat(figures.failure()).contains("golden example 0: values that are not finite");
  }

  @Test
  void a_file_that_changed_after_its_manifest_fails() throws Exception {
    TrialSlot slot = TrialSlot.of(directory, TestBundle.sound(1));
    byte[] model = Files.readAllBytes(directory.resolve(BundlePlan.MODEL));
    model[model.length / 2] ^= 1;
    Files.write(directory.resolve(BundlePlan.MODEL), model);
    assertThat(selfTest(slot, settings(UNLIMITED, () -> false)).failure())
        .contains("SHA-256", "expected: the whole file");
  }

  @Test
  void a_file_that_is_no_model_fails() throws Exception {
    byte[] golden = TestBundle.soundFiles(1, 0).get(BundlePlan.GOLDEN);
    TestFigures figures =
        selfTest(
            TestBundle.ofFiles(
                Map.of(BundlePlan.MODEL, "no model".getBytes(UTF_8), BundlePlan.GOLDEN, golden)),
            UNLIMITED);
    assertThat(figures.failure()).contains("ONNX Runtime refuses the model");
  }

  @Test
  void a_model_with_another_input_than_its_manifest_fails() throws Exception {
    byte[] golden = TestBundle.soundFiles(1, 0).get(BundlePlan.GOLDEN);
    TestFigures figures =
        selfTest(
            TestBundle.ofFiles(
                Map.of(BundlePlan.MODEL, TinyModels.constant(1), BundlePlan.GOLDEN, golden)),
            UNLIMITED);
    assertThat(figures.failure())
        .isEqualTo("the model takes 4 values and gives 3 (expected: 16 and 3)");
  }

  @Test
  void more_memory_than_granted_fails() throws Exception {
    TestFigures figures = selfTest(TestBundle.sound(1), new ModelLimits(1, 0, 0));
    assertThat(figures.failure())
        .startsWith("memory: " + figures.memoryBytes() + " bytes")
        .endsWith("(expected: at most 1 bytes)");
  }

  @Test
  void the_manifests_budget_counts_where_it_is_lower() throws Exception {
    TestFigures figures =
        selfTest(
            TestBundle.changed(
                1, manifest -> manifest.getBudgetBuilder().setLatencyP99MicrosMax(1)),
            new ModelLimits(0, 0, 60_000_000));
    assertThat(figures.failure())
        .startsWith("latency p99: " + figures.latencyMicros().p99() + " us")
        .endsWith("(expected: at most 1 us)");
    assertThat(figures.latencyMicros().p99()).isGreaterThan(1);
  }

  @Test
  void a_test_without_end_is_killed_at_its_timeout() throws Exception {
    TrialSlot slot = TrialSlot.of(directory, TrialSlot.hanging());
    // Time stands still until the process is there, then it is over.
    ProcessTrials trials =
        new ProcessTrials(
            new ScriptedHost(),
            settings(UNLIMITED, () -> false),
            () -> child().isPresent() ? LONG.toNanos() : 0);
    assertThat(trials.selfTest(slot.path(), slot.plan()).failure())
        .isEqualTo("the self-test had no end after 100000 ms (expected: an end before)");
  }

  @Test
  void a_test_that_is_no_longer_wanted_ends_its_process() throws Exception {
    TrialSlot slot = TrialSlot.of(directory, TrialSlot.hanging());
    AtomicLong seen = new AtomicLong();
    BooleanSupplier abandoned =
        () -> {
          child().ifPresent(process -> seen.set(process.pid()));
          return seen.get() != 0;
        };
    assertThatThrownBy(() -> selfTest(slot, settings(UNLIMITED, abandoned)))
        .isInstanceOf(InterruptedException.class);
    assertThat(seen.get()).isNotZero();
  }

  @Test
  void a_process_that_dies_is_a_failed_test() throws Exception {
    TrialSlot slot = TrialSlot.of(directory, TrialSlot.hanging());
    BooleanSupplier killing =
        () -> {
          child().ifPresent(ProcessHandle::destroyForcibly);
          return false;
        };
    assertThat(selfTest(slot, settings(UNLIMITED, killing)).failure())
        .startsWith("the self-test's process was ended by signal 9 (expected: exit code 0)");
  }

  @Test
  void a_slot_that_cannot_be_read_is_a_failed_test() throws Exception {
    TrialSlot slot = TrialSlot.of(directory, TestBundle.sound(1));
    Files.delete(directory.resolve(BundlePlan.GOLDEN));
    assertThat(selfTest(slot, settings(UNLIMITED, () -> false)).failure())
        .contains("the bundle cannot be read", BundlePlan.GOLDEN);
  }

  /** An agent that is killed in the middle of a self-test; prints the pid of its process. */
  static final class Agent {
    private Agent() {}

    public static void main(String[] args) throws Exception {
      TrialSlot slot = TrialSlot.of(Path.of(args[0]), TrialSlot.hanging());
      ProcessTrials.Settings settings =
          new ProcessTrials.Settings(
              1,
              Path.of(args[1]),
              UNLIMITED,
              () -> {
                child().ifPresent(process -> System.out.println(process.pid()));
                return false;
              },
              LONG);
      System.out.println(selfTest(slot, settings));
    }
  }

  @Test
  void the_process_does_not_outlive_an_agent_that_is_killed() throws Exception {
    Process agent =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Agent.class.getName(),
                directory.toString(),
                libraries.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long orphan;
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(agent.getInputStream(), UTF_8))) {
      orphan = Long.parseLong(lines.readLine());
      // Its libraries are mapped once it is in the middle of its work.
      while (!mapped(orphan).contains("onnxruntime4j")) {
        pause();
      }
    } finally {
      agent.destroyForcibly();
      assertThat(agent.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
    while (runs(orphan)) {
      pause();
    }
  }

  /** Between two looks at a condition; the class's timeout ends a wait in vain. */
  private static void pause() {
    LockSupport.parkNanos(1_000_000);
    assertThat(Thread.currentThread().isInterrupted()).as("waited in vain").isFalse();
  }

  private static String mapped(long pid) throws IOException {
    return Files.readString(Path.of("/proc", Long.toString(pid), "maps"));
  }

  /** Whether a process is there and is not merely waiting to be reaped. */
  private static boolean runs(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }
}
