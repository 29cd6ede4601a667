package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProcessorFeaturesTest {
  private static final String WITH = "processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni avx_vnni\n";
  private static final String WITHOUT = "processor\t: 1\nflags\t\t: fpu avx2 avx512_vnni2 fma\n";
  private static final ProcessorFeatures BF16 =
      new ProcessorFeatures(Set.of("avx512f", "avx512_bf16"));

  @Test
  void a_feature_is_there_when_every_processor_has_it() {
    assertThat(ProcessorFeatures.parse(WITH).has("avx512_vnni")).isTrue();
    assertThat(ProcessorFeatures.parse(WITH + WITH).has("avx512_vnni")).isTrue();
    assertThat(ProcessorFeatures.parse(WITH + WITHOUT).names())
        .containsExactlyInAnyOrder("fpu", "avx2");
    assertThat(ProcessorFeatures.parse(WITHOUT).has("avx512_vnni")).isFalse();
    assertThat(ProcessorFeatures.parse("Features\t: fp asimd bf16\n").has("bf16")).isTrue();
  }

  @Test
  void what_is_not_told_is_not_there() {
    assertThat(ProcessorFeatures.parse("").names()).isEmpty();
    assertThat(ProcessorFeatures.parse("model name\t: avx512_vnni\n").names()).isEmpty();
  }

  @Test
  void bf16_needs_a_processor_that_multiplies_it_and_kernels_that_may_be_used() {
    assertThat(Bf16Support.missing(BF16, Map.of())).isEmpty();
    assertThat(Bf16Support.missing(BF16, Map.of("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")))
        .isEmpty();
    assertThat(Bf16Support.missing(new ProcessorFeatures(Set.of("avx512f")), Map.of()))
        .hasValue("the processor has none of avx512_bf16, amx_bf16, bf16, and would be slower");
    assertThat(Bf16Support.missing(BF16, Map.of("ONEDNN_MAX_CPU_ISA", "AVX")))
        .hasValue("ONEDNN_MAX_CPU_ISA=AVX forbids the kernels for it");
  }
}
