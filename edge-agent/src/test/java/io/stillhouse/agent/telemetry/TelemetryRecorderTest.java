package io.stillhouse.agent.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.inference.HostSettings;
import io.stillhouse.agent.inference.InferenceOutcome.Answered;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.OnnxModelHost;
import io.stillhouse.agent.testing.Slots;
import io.stillhouse.agent.testing.TinyModels;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TelemetryRecorderTest {
  private static final TelemetryIdentity IDENTITY = new TelemetryIdentity("device-1", "boot-1");

  @TempDir Path directory;
  private final AtomicReference<Instant> wall = new AtomicReference<>(Instant.EPOCH);
  private final AtomicLong nanos = new AtomicLong();
  private final AtomicReference<ResourceUsage> usage =
      new AtomicReference<>(new ResourceUsage(0, 0, Double.NaN));

  private TelemetryRecorder recorder(OnnxModelHost host) {
    return new TelemetryRecorder(IDENTITY, host, usage::get, new Clocks(wall::get, nanos::get));
  }

  @Test
  void without_a_model_there_is_nothing_to_record() {
    try (OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      assertThat(recorder(host).closeWindow()).isEmpty();
    }
  }

  @Test
  void each_inference_is_in_exactly_one_record_of_the_model_that_ran_it() {
    try (OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      TelemetryRecorder recorder = recorder(host);
      LoadedSlot first = Slots.slot(directory, TinyModels.squareRoot(), 1);
      LoadedSlot second = Slots.slot(directory, TinyModels.constant(1), 2);
      host.activate(first);
      double confidence = 0;
      for (int i = 0; i < 3; i++) {
        Answered answered = (Answered) host.infer(Slots.image(1), OptionalInt.of(i));
        confidence += answered.confidence();
      }
      host.infer(Slots.image(-1), OptionalInt.empty());
      TelemetryWindow window = only(recorder.closeWindow());
      assertThat(window.getDeviceId()).isEqualTo("device-1");
      assertThat(window.getBootId()).isEqualTo("boot-1");
      assertThat(window.getRunningSha256()).isEqualTo(first.digest());
      assertThat(window.getRolloutId()).isEqualTo("rollout-1");
      assertThat(window.getWave()).isEqualTo(1);
      assertThat(window.getHardwareClass()).isEqualTo("sim-small");
      assertThat(window.getProbation()).isTrue();
      assertThat(window.getInferences()).isEqualTo(4);
      assertThat(window.getErrors()).isEqualTo(1);
      assertThat(window.getLatencyHistogramList().stream().mapToLong(c -> c).sum()).isEqualTo(3);
      assertThat(window.getLatencyHistogramCount()).isEqualTo(23);
      assertThat(window.getConfidenceSum()).isCloseTo(confidence, Offset.offset(1e-12));
      assertThat(window.getClassCountsList()).containsExactly(0L, 0L, 3L);
      assertThat(window.getFeedbackCount()).isEqualTo(3);
      assertThat(window.getFeedbackCorrect()).isEqualTo(1);

      host.infer(Slots.image(1), OptionalInt.empty());
      host.activate(first.committed());
      host.infer(Slots.image(1), OptionalInt.empty());
      host.activate(second);
      host.infer(Slots.image(1), OptionalInt.empty());
      List<TelemetryWindow> three =
          recorder.closeWindow().stream().map(TelemetryWindow.Builder::build).toList();
      assertThat(three).extracting(TelemetryWindow::getInferences).containsExactly(1L, 1L, 1L);
      assertThat(three)
          .extracting(TelemetryWindow::getProbation)
          .containsExactly(true, false, true);
      assertThat(three.get(2).getRunningSha256()).isEqualTo(second.digest());

      TelemetryWindow idle = only(recorder.closeWindow());
      assertThat(idle.getInferences()).isZero();
      assertThat(idle.getRunningSha256()).isEqualTo(second.digest());
    }
  }

  @Test
  void golden_inputs_leave_no_trace_in_a_window_and_no_window_of_their_own() {
    try (OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      TelemetryRecorder recorder = recorder(host);
      LoadedSlot slot = Slots.slot(directory, TinyModels.squareRoot(), 1);
      host.activate(slot);
      for (int i = 0; i < 40; i++) {
        assertThat(host.replay(Slots.image(1))).isInstanceOf(Answered.class);
      }
      host.replay(Slots.image(-1));
      assertThat(host.replayed()).isEqualTo(new LiveStats.Counts(41, 1, 1, 0, 0));
      TelemetryWindow window = only(recorder.closeWindow());
      assertThat(window.getProbation()).isTrue();
      assertThat(window.getInferences()).isZero();
      assertThat(window.getErrors()).isZero();
      assertThat(window.getLatencyHistogramList()).containsOnly(0L);
      assertThat(window.getConfidenceSum()).isZero();
      assertThat(window.getClassCountsList()).containsOnly(0L);

      host.replay(Slots.image(1));
      host.activate(slot.committed());
      assertThat(host.replayed().inferences()).as("a tenure of its own").isZero();
      assertThat(only(recorder.closeWindow()).getProbation()).isFalse();
    }
  }

  @Test
  void spans_are_monotonic_even_when_the_wall_clock_jumps() {
    try (OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime)) {
      host.activate(Slots.slot(directory, TinyModels.constant(0), 1));
      wall.set(Instant.ofEpochSecond(1_000));
      TelemetryRecorder recorder = recorder(host);
      nanos.addAndGet(2_000_000_000L);
      wall.set(Instant.EPOCH);
      usage.set(new ResourceUsage(500_000_000L, 1 << 20, 48.5));
      TelemetryWindow window = only(recorder.closeWindow());
      assertThat(window.getWindowStartEpochMillis()).isEqualTo(1_000_000);
      assertThat(window.getWindowMillis()).isEqualTo(2_000);
      assertThat(window.getCpuShare()).isEqualTo(0.25);
      assertThat(window.getResidentBytes()).isEqualTo(1 << 20);
      assertThat(window.getTemperatureCelsius()).isEqualTo(48.5);
      nanos.addAndGet(1_000_000_000L);
      assertThat(only(recorder.closeWindow()).getWindowStartEpochMillis()).isZero();
    }
  }

  private static TelemetryWindow only(List<TelemetryWindow.Builder> windows) {
    assertThat(windows).hasSize(1);
    return windows.get(0).build();
  }

  @Test
  void resources_are_read_from_the_kernels_files() throws Exception {
    Files.createDirectories(directory.resolve("proc/self"));
    Files.writeString(
        directory.resolve("proc/self/status"), "Name:\tjava\nVmRSS:\t   70532 kB\nThreads:\t19\n");
    Path thermal = Files.createDirectories(directory.resolve("sys/class/thermal"));
    Files.writeString(
        Files.createDirectories(thermal.resolve("thermal_zone0")).resolve("temp"), "41234\n");
    Files.writeString(
        Files.createDirectories(thermal.resolve("thermal_zone1")).resolve("temp"), "55000\n");
    Files.createDirectories(thermal.resolve("cooling_device0"));
    ResourceUsage read = new ResourceReader(directory).read();
    assertThat(read.residentBytes()).isEqualTo(70_532L * 1_024);
    assertThat(read.temperatureCelsius()).isEqualTo(55);
  }

  @Test
  void where_the_kernel_tells_nothing_there_is_no_temperature() {
    ResourceUsage read = new ResourceReader(directory).read();
    assertThat(read.residentBytes()).isZero();
    assertThat(read.temperatureCelsius()).isNaN();
    assertThat(read.cpuNanos()).isPositive();
  }
}
