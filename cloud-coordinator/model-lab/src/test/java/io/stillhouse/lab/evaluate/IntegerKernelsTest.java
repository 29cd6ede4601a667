package io.stillhouse.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class IntegerKernelsTest {
  private static final String WITH = "processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni avx_vnni\n";
  private static final String WITHOUT = "processor\t: 1\nflags\t\t: fpu avx2 avx512_vnni2 fma\n";

  @Test
  void every_processor_must_have_the_exact_sums() {
    assertThat(IntegerKernels.exact(WITH)).isTrue();
    assertThat(IntegerKernels.exact(WITH + WITH)).isTrue();
    assertThat(IntegerKernels.exact(WITH + WITHOUT)).isFalse();
    assertThat(IntegerKernels.exact(WITHOUT)).isFalse();
  }

  @Test
  void what_is_not_told_is_not_exact() {
    assertThat(IntegerKernels.exact("")).isFalse();
    assertThat(IntegerKernels.exact("model name\t: avx512_vnni\n")).isFalse();
  }
}
