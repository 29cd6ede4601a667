package io.stillhouse.agent.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.reconcile.TestFigures.LatencyMicros;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;

class LatencyRoundsTest {
  private long nanos;
  private int runs;

  /** Measures an inference whose n-th run takes so many microseconds. */
  private LatencyMicros measure(long p99MicrosMax, IntToLongFunction microsOfRun) {
    return LatencyRounds.best(
        () -> nanos += 1_000 * microsOfRun.applyAsLong(runs++), p99MicrosMax, () -> nanos);
  }

  @Test
  void percentiles_are_of_the_nearest_rank() {
    assertThat(measure(0, run -> 1 + run % 100)).isEqualTo(new LatencyMicros(50, 99));
    assertThat(runs).isBetween(LatencyRounds.RUNS, LatencyRounds.RUNS + 20);
  }

  @Test
  void a_round_that_was_interrupted_does_not_fail_a_good_model() {
    assertThat(measure(20, run -> run < LatencyRounds.RUNS && run % 20 == 0 ? 5_000 : 10))
        .isEqualTo(new LatencyMicros(10, 10));
  }

  @Test
  void a_model_that_is_too_slow_is_so_in_every_round() {
    assertThat(measure(20, run -> 30)).isEqualTo(new LatencyMicros(30, 30));
    assertThat(runs).isGreaterThanOrEqualTo(LatencyRounds.ROUNDS_MAX * LatencyRounds.RUNS);
  }

  @Test
  void a_slow_models_round_is_cut_short() {
    assertThat(measure(0, run -> 500_000)).isEqualTo(new LatencyMicros(500_000, 500_000));
    assertThat(runs).isBetween(LatencyRounds.RUNS_MIN, LatencyRounds.RUNS_MIN + 20);
  }
}
