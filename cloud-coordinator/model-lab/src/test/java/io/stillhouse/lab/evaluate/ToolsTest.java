package io.stillhouse.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.lab.tensor.ProcessorFeatures;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ToolsTest {
  @Test
  void kernels_are_named_by_what_the_processor_has_and_a_person_allows() {
    assertThat(
            Tools.kernels(
                "amd64",
                new ProcessorFeatures(Set.of("fpu", "avx", "avx2", "avx512_vnni", "avx512f")),
                Map.of("ONEDNN_MAX_CPU_ISA", "AVX", "HOME", "/root")))
        .isEqualTo("amd64 avx512_vnni avx512f avx2 avx, ONEDNN_MAX_CPU_ISA=AVX");
    assertThat(
            Tools.kernels(
                "aarch64", new ProcessorFeatures(Set.of("fp", "asimd", "asimddp")), Map.of()))
        .isEqualTo("aarch64 asimddp asimd");
    assertThat(Tools.kernels("amd64", new ProcessorFeatures(Set.of()), Map.of()))
        .isEqualTo("amd64");
  }

  @Test
  void every_tool_has_a_version() {
    assertThat(Tools.used().values()).allSatisfy(v -> assertThat(v).isNotBlank());
    assertThat(Tools.used().get("lab")).matches("\\S+ code [0-9a-f]{12}");
    assertThat(Tools.used().get("libtorch")).matches("\\d+\\.\\d+.*");
  }
}
