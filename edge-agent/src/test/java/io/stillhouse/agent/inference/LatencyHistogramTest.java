package io.stillhouse.agent.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
  @Test
  void bounds_are_one_two_five_in_each_decade_up_to_ten_seconds() {
    List<Long> bounds = new ArrayList<>();
    for (int i = 0; i < LatencyHistogram.BUCKETS - 1; i++) {
      bounds.add(LatencyHistogram.upperBoundMicros(i));
    }
    assertThat(bounds)
        .containsExactly(
            1L,
            2L,
            5L,
            10L,
            20L,
            50L,
            100L,
            200L,
            500L,
            1_000L,
            2_000L,
            5_000L,
            10_000L,
            20_000L,
            50_000L,
            100_000L,
            200_000L,
            500_000L,
            1_000_000L,
            2_000_000L,
            5_000_000L,
            10_000_000L);
  }

  @Test
  void each_bound_begins_the_next_bucket() {
    assertThat(LatencyHistogram.bucketOf(-5)).isZero();
    assertThat(LatencyHistogram.bucketOf(0)).isZero();
    for (int i = 0; i < LatencyHistogram.BUCKETS - 1; i++) {
      long bound = LatencyHistogram.upperBoundMicros(i);
      assertThat(LatencyHistogram.bucketOf(bound - 1)).isEqualTo(i);
      assertThat(LatencyHistogram.bucketOf(bound)).isEqualTo(i + 1);
    }
    assertThat(LatencyHistogram.bucketOf(Long.MAX_VALUE)).isEqualTo(LatencyHistogram.BUCKETS - 1);
  }

  @Test
  void quantile_is_the_upper_bound_of_its_bucket() {
    List<Long> counts = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    counts.set(LatencyHistogram.bucketOf(150), 98L);
    counts.set(LatencyHistogram.bucketOf(3_000), 2L);
    LatencyHistogram histogram = new LatencyHistogram(counts);
    assertThat(histogram.total()).isEqualTo(100);
    assertThat(histogram.quantileMicros(0.5)).isEqualTo(200);
    assertThat(histogram.quantileMicros(0.98)).isEqualTo(200);
    assertThat(histogram.quantileMicros(0.99)).isEqualTo(5_000);
    assertThat(histogram.quantileMicros(1)).isEqualTo(5_000);
  }

  @Test
  void quantile_of_nothing_is_zero_and_of_the_open_bucket_the_highest_bound() {
    List<Long> counts = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    assertThat(new LatencyHistogram(counts).quantileMicros(0.99)).isZero();
    counts.set(LatencyHistogram.BUCKETS - 1, 1L);
    assertThat(new LatencyHistogram(counts).quantileMicros(0.99)).isEqualTo(10_000_000);
  }
}
