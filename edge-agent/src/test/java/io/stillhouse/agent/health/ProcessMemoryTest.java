package io.stillhouse.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessMemoryTest {
  private static ProcessMemory memory(long nowKib, long peakKib) {
    return ProcessMemory.parse(
        List.of("Name:\tjava", "VmHWM:\t  " + peakKib + " kB", "VmRSS:\t  " + nowKib + " kB"));
  }

  @Test
  void growth_is_up_to_the_peak() {
    assertThat(memory(110, 150).growthSince(memory(100, 120))).hasValue(50 * 1_024);
  }

  @Test
  void an_older_peak_does_not_count() {
    assertThat(memory(110, 120).growthSince(memory(100, 120))).hasValue(10 * 1_024);
    assertThat(memory(90, 120).growthSince(memory(100, 120))).hasValue(0);
  }

  @Test
  void what_the_kernel_does_not_tell_is_unknown() {
    assertThat(ProcessMemory.parse(List.of("Name:\tjava")).growthSince(memory(1, 1))).isEmpty();
    assertThat(memory(1, 1).growthSince(ProcessMemory.parse(List.of()))).isEmpty();
  }
}
