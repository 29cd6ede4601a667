package io.stillhouse.agent.hardware;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.hardware.DeviceLimits.ModelLimits;
import io.stillhouse.agent.hardware.DeviceProfile.ProbeResult;
import io.stillhouse.agent.inference.OnnxRuntime;
import io.stillhouse.agent.inference.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HardwareSurveyTest {
  private static final String PROBES = "io/stillhouse/agent/hardware/probes";

  @TempDir Path directory;

  private static String fixture(String name) throws IOException {
    try (InputStream in = HardwareSurveyTest.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), UTF_8);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "pi4.cpuinfo, asimd",
    "pi5.cpuinfo, asimd asimddp asimdhp",
    "orin.cpuinfo, asimd asimddp asimdhp",
    "x86.cpuinfo, avx avx2 f16c fma"
  })
  void features_are_those_that_every_processor_has(String file, String features)
      throws IOException {
    assertThat(String.join(" ", CpuFacts.isaFeatures(fixture(file)))).isEqualTo(features);
  }

  @Test
  void cpuinfo_without_features_gives_none() {
    assertThat(CpuFacts.isaFeatures("")).isEmpty();
    assertThat(CpuFacts.isaFeatures("flags")).isEmpty();
    assertThat(CpuFacts.isaFeatures("flags:\nFeatures :   \n")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "amd64, x86_64",
    "x86_64, x86_64",
    "aarch64, aarch64",
    "arm, armv7",
    "armhf, armv7",
    "riscv64, riscv64"
  })
  void architectures_have_the_protocols_names(String java, String protocol) {
    assertThat(CpuFacts.architecture(java)).isEqualTo(protocol);
  }

  @Test
  void boards_are_named_by_the_best_source() throws IOException {
    String pi4 = fixture("pi4.cpuinfo");
    String x86 = fixture("x86.cpuinfo");
    assertThat(name("Raspberry Pi 5 Model B Rev 1.0\0", "", "", pi4))
        .isEqualTo("Raspberry Pi 5 Model B Rev 1.0");
    assertThat(name("NVIDIA Jetson Orin Nano Developer Kit\0", "", "", fixture("orin.cpuinfo")))
        .isEqualTo("NVIDIA Jetson Orin Nano Developer Kit");
    assertThat(name("", "", "", pi4)).isEqualTo("Raspberry Pi 4 Model B Rev 1.4");
    assertThat(name("", "Dell Inc.\n", "OptiPlex 7080\n", x86))
        .isEqualTo("Dell Inc. OptiPlex 7080");
    assertThat(name("", "To Be Filled By O.E.M.", "System Product Name", x86))
        .isEqualTo("AMD EPYC 7543 32-Core Processor");
    assertThat(name("", "", "", "")).isEqualTo("unknown board");
    assertThat(name("x\n\u0001\u00e9" + "y".repeat(500), "", "", ""))
        .hasSize(120)
        .startsWith("x???");
  }

  private static String name(String tree, String vendor, String product, String cpuinfo) {
    return BoardName.of(new BoardName.Sources(tree, vendor, product, cpuinfo));
  }

  @Test
  void memory_is_that_of_the_machine_or_the_less_that_is_granted() throws IOException {
    long total = MemoryFacts.totalBytes(fixture("pi4.meminfo"));
    assertThat(total).isEqualTo(3_884_360L * 1_024);
    assertThat(MemoryFacts.granted(total, "max\n")).isEqualTo(total);
    assertThat(MemoryFacts.granted(total, "")).isEqualTo(total);
    assertThat(MemoryFacts.granted(total, "9223372036854771712\n")).isEqualTo(total);
    assertThat(MemoryFacts.granted(total, "536870912\n")).isEqualTo(536_870_912);
    assertThat(MemoryFacts.totalBytes("garbage")).isZero();
  }

  @Test
  void accelerators_are_recognised_by_their_devices() {
    assertThat(
            Accelerators.of(
                List.of("nvhost-gpu", "nvhost-nvdla0", "nvhost-nvdla1", "null"),
                List.of(),
                List.of("CPU")))
        .containsExactly("nvidia-dla", "nvidia-tegra-gpu");
    assertThat(Accelerators.of(List.of("apex_0", "hailo0"), List.of(), List.of("CPU", "CUDA")))
        .containsExactly("edgetpu", "hailo", "ort:CUDA");
    assertThat(Accelerators.of(List.of("tty0"), List.of("18d1:9302", "1d6b:0002"), List.of()))
        .containsExactly("edgetpu");
    assertThat(Accelerators.of(List.of(), List.of(), List.of("CPU"))).isEmpty();
  }

  @Test
  void this_machine_is_measured_and_the_probes_are_not_run_twice() {
    HardwareSurvey survey = new HardwareSurvey(directory, DeviceLimits.NONE, System::nanoTime);
    DeviceProfile profile = survey.measure();
    assertThat(profile.board().cores()).isPositive();
    assertThat(profile.board().model()).isNotBlank();
    assertThat(profile.limits().inferenceThreads()).isEqualTo(profile.board().cores());
    assertThat(profile.capacity().memoryBytes()).isPositive();
    assertThat(profile.capacity().storageFreeBytes()).isPositive();
    assertThat(profile.runtime()).isEqualTo(OnnxRuntime.version());
    assertThat(profile.probes()).hasSize(30).allMatch(probe -> probe.p50Micros() > 0);
    assertThat(profile.probes())
        .extracting(ProbeResult::precision)
        .contains(Precision.FP32, Precision.INT8);
    // Equal figures down to the last digit: they come from the cache.
    assertThat(survey.measure().probes()).isEqualTo(profile.probes());
  }

  @Test
  void another_number_of_threads_and_a_spoilt_cache_are_measured_anew() throws IOException {
    HardwareSurvey one = new HardwareSurvey(directory, limits(1), System::nanoTime);
    List<ProbeResult> first = one.measure().probes();
    Path cache = directory.resolve("hardware/probes.json");
    Files.writeString(
        cache, Files.readString(cache).replaceFirst("\"p50Micros\" : ", "\"p50Micros\" : -"));
    List<ProbeResult> second = one.measure().probes();
    assertThat(second).isNotEqualTo(first).hasSameSizeAs(first);
    Files.writeString(cache, "{\"key\":");
    assertThat(one.measure().probes()).hasSameSizeAs(first);
    Files.writeString(cache, "null");
    assertThat(one.measure().probes()).hasSameSizeAs(first);
  }

  private static DeviceLimits limits(int threads) {
    return new DeviceLimits("sim-small", threads, new ModelLimits(64 << 20, 1 << 20, 20_000), true);
  }

  @Test
  void limits_replace_the_name_and_bound_the_threads_and_are_said_to_be_simulated() {
    ProbeSuite none = new ProbeSuite("no/such/folder", System::nanoTime);
    KernelFiles kernel = new KernelFiles(directory);
    DeviceProfile profile = new HardwareSurvey(directory, limits(1_000), kernel, none).measure();
    assertThat(profile.board().model()).isEqualTo("sim-small");
    assertThat(profile.limits().inferenceThreads()).isEqualTo(profile.board().cores());
    assertThat(profile.limits().simulated()).isTrue();
    assertThat(profile.limits().model().fileBytesMax()).isEqualTo(1 << 20);
    assertThat(profile.probes()).isEmpty();
    assertThat(profile.board().isaFeatures()).isEmpty();
    assertThat(profile.capacity().memoryBytes()).isZero();
  }

  @Test
  void an_empty_index_gives_no_probes() throws IOException {
    ProbeSuite empty = new ProbeSuite("io/stillhouse/agent/hardware/no-probes", System::nanoTime);
    assertThat(empty.run(1)).isEmpty();
  }

  @Test
  void a_device_that_is_too_slow_ends_with_fewer_probes() throws IOException {
    // Each look at this clock is a second later.
    AtomicLong nanos = new AtomicLong();
    ProbeSuite slow = new ProbeSuite(PROBES, () -> nanos.addAndGet(1_000_000_000L));
    assertThat(slow.run(1)).hasSize(1).first().extracting(ProbeResult::p50Micros).isEqualTo(1e6);
  }
}
