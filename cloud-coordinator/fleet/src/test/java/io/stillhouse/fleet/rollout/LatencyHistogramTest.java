package io.stillhouse.fleet.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
  @Test
  void quantiles_are_upper_bounds_of_their_bucket() {
    assertThat(LatencyHistogram.upperBoundMicros(0)).isEqualTo(1);
    assertThat(LatencyHistogram.upperBoundMicros(5)).isEqualTo(50);
    assertThat(LatencyHistogram.upperBoundMicros(21)).isEqualTo(10_000_000);
    assertThat(LatencyHistogram.upperBoundMicros(22)).isEqualTo(10_000_000);
    List<Long> counts = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    assertThat(new LatencyHistogram(counts).quantileMicros(0.99)).isEmpty();
    counts.set(3, 98L);
    counts.set(9, 2L);
    LatencyHistogram histogram = new LatencyHistogram(counts);
    assertThat(histogram.quantileMicros(0.50)).hasValue(10);
    assertThat(histogram.quantileMicros(0.98)).hasValue(10);
    assertThat(histogram.quantileMicros(0.99)).hasValue(1_000);
  }

  @Test
  void only_buckets_wholly_beyond_a_limit_surely_are() {
    LatencyHistogram histogram = new LatencyHistogram(List.of(1L, 10L, 100L, 1_000L));
    assertThat(histogram.surelyAtLeast(0)).isEqualTo(1_111);
    assertThat(histogram.surelyAtLeast(1)).isEqualTo(1_110);
    assertThat(histogram.surelyAtLeast(2)).isEqualTo(1_100);
    assertThat(histogram.surelyAtLeast(3)).isEqualTo(1_000);
    assertThat(histogram.surelyAtLeast(5)).isEqualTo(1_000);
    assertThat(histogram.surelyAtLeast(6)).isZero();
  }

  @Test
  void more_buckets_than_there_are_bounds_are_refused() {
    assertThatThrownBy(
            () -> new LatencyHistogram(Collections.nCopies(LatencyHistogram.BUCKETS + 1, 0L)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
