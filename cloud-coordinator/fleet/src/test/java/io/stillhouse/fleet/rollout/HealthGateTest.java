package io.stillhouse.fleet.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class HealthGateTest {
  private static final Baseline BASELINE =
      new Baseline(
          OptionalDouble.of(0.9),
          OptionalDouble.of(0.8),
          OptionalLong.of(1_000),
          OptionalLong.of(5_000));

  @Test
  void wilson_bounds_match_published_values() {
    // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method
    // 3.
    assertThat(Wilson.lower(81, 263)).isCloseTo(0.2553, within(5e-5));
    assertThat(Wilson.upper(81, 263)).isCloseTo(0.3662, within(5e-5));
    assertThat(Wilson.lower(15, 148)).isCloseTo(0.0624, within(5e-5));
    assertThat(Wilson.upper(15, 148)).isCloseTo(0.1605, within(5e-5));
    assertThat(Wilson.lower(0, 20)).isZero();
    assertThat(Wilson.upper(0, 20)).isCloseTo(0.1611, within(5e-5));
    assertThat(Wilson.lower(1, 29)).isCloseTo(0.0061, within(5e-5));
    assertThat(Wilson.upper(1, 29)).isCloseTo(0.1718, within(5e-5));
    assertThat(Wilson.lower(20, 20)).isCloseTo(0.8389, within(5e-5));
    assertThat(Wilson.lower(0, 0)).isZero();
    assertThat(Wilson.upper(0, 0)).isEqualTo(1);
  }

  @Test
  void healthy_measurements_pass() {
    assertThat(judge(health(200, 1, 50, 46, 1_200, 0.78))).isEqualTo(new Verdict.Pass());
  }

  @Test
  void errors_surely_above_the_limit_fail_and_those_that_may_be_chance_do_not_pass() {
    assertThat(judge(health(200, 20, 0, 0, 1_000, 0.8)))
        .isEqualTo(new Verdict.Fail("20 of 200 inferences failed (limit 2.0 %)"));
    assertThat(judge(health(200, 5, 0, 0, 1_000, 0.8))).isInstanceOf(Verdict.Inconclusive.class);
  }

  @Test
  void accuracy_is_judged_from_the_demanded_number_of_labels_on() {
    assertThat(judge(health(200, 0, 19, 0, 1_000, 0.8))).isEqualTo(new Verdict.Pass());
    assertThat(judge(health(200, 0, 20, 2, 1_000, 0.8))).isInstanceOf(Verdict.Fail.class);
    assertThat(judge(health(200, 0, 20, 16, 1_000, 0.8))).isInstanceOf(Verdict.Inconclusive.class);
  }

  @Test
  void accuracy_fails_before_the_other_evidence_is_complete() {
    assertThat(judge(health(20, 0, 20, 2, 1_000, 0.8))).isInstanceOf(Verdict.Fail.class);
  }

  @Test
  void missing_evidence_that_is_demanded_is_inconclusive() {
    assertThat(judge(health(29, 0, 0, 0, 1_000, 0.8)))
        .isEqualTo(new Verdict.Inconclusive("29 of 30 inferences measured"));
    HealthGate strict = new HealthGate(limits(new GatePolicy.Evidence(30, 20, true)));
    assertThat(strict.evaluate(health(200, 0, 19, 19, 1_000, 0.8)))
        .isEqualTo(new Verdict.Inconclusive("19 of 20 labelled inferences measured"));
    WaveHealth labelled = health(200, 0, 20, 20, 1_000, 0.8).observed();
    assertThat(strict.evaluate(new ClassHealth(labelled, Baseline.NONE)))
        .isEqualTo(new Verdict.Inconclusive("no baseline accuracy to compare with"));
  }

  @Test
  void lost_confidence_fails_and_so_does_one_that_is_not_a_number() {
    assertThat(judge(health(200, 0, 0, 0, 1_000, 0.5))).isInstanceOf(Verdict.Fail.class);
    assertThat(judge(health(200, 0, 0, 0, 1_000, Double.NaN))).isInstanceOf(Verdict.Fail.class);
  }

  @Test
  void latency_fails_when_surely_more_than_one_in_a_hundred_is_beyond_the_budget() {
    assertThat(judge(latencies(950, 50, 6_000)))
        .isEqualTo(
            new Verdict.Fail(
                "50 of 1000 inferences took 5000 us or longer (budget 5000 us; 1 % may)"));
    assertThat(judge(latencies(985, 15, 6_000))).isInstanceOf(Verdict.Inconclusive.class);
    assertThat(judge(latencies(990, 10, 6_000))).isEqualTo(new Verdict.Pass());
    assertThat(judge(latencies(0, 99, 6_000))).isEqualTo(new Verdict.Pass());
  }

  @Test
  void latency_within_the_bucket_that_holds_the_limit_may_be_below_it_and_does_not_fail() {
    Baseline odd =
        new Baseline(
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalLong.empty(),
            OptionalLong.of(15_000));
    assertThat(judge(new ClassHealth(latencies(0, 1_000, 12_000).observed(), odd)))
        .isEqualTo(new Verdict.Pass());
    assertThat(judge(new ClassHealth(latencies(0, 1_000, 21_000).observed(), odd)))
        .isInstanceOf(Verdict.Fail.class);
  }

  @Test
  void latency_fails_when_it_grows_beyond_what_a_busy_board_explains() {
    Baseline before =
        new Baseline(
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalLong.of(20_000),
            OptionalLong.empty());
    assertThat(judge(new ClassHealth(latencies(0, 1_000, 60_000).observed(), before)))
        .isEqualTo(
            new Verdict.Fail(
                "1000 of 1000 inferences took 50000 us or longer (baseline p99 20000 us; 1 % may)"));
    Baseline tiny =
        new Baseline(
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalLong.of(1_000),
            OptionalLong.empty());
    assertThat(judge(new ClassHealth(latencies(0, 1_000, 4_900).observed(), tiny)))
        .isEqualTo(new Verdict.Pass());
    assertThat(judge(new ClassHealth(latencies(0, 1_000, 11_000).observed(), tiny)))
        .isInstanceOf(Verdict.Fail.class);
  }

  private static Verdict judge(ClassHealth health) {
    return new HealthGate(GatePolicy.DEFAULT.health()).evaluate(health);
  }

  private static GatePolicy.Health limits(GatePolicy.Evidence evidence) {
    GatePolicy.Health d = GatePolicy.DEFAULT.health();
    return new GatePolicy.Health(
        d.errorRateMax(),
        d.accuracyDropMax(),
        d.confidenceDropMax(),
        d.latencyP99GrowthMax(),
        evidence);
  }

  /** Some inferences of 900 microseconds, and some slow ones. */
  private static ClassHealth latencies(long fast, long slow, long slowMicros) {
    List<Long> counts = new ArrayList<>(Collections.nCopies(LatencyHistogram.BUCKETS, 0L));
    counts.set(bucketOf(900), fast);
    counts.set(bucketOf(slowMicros), slow);
    return new ClassHealth(
        new WaveHealth(
            fast + slow,
            0,
            new WaveHealth.Feedback(0, 0),
            new LatencyHistogram(counts),
            OptionalDouble.of(0.8)),
        BASELINE);
  }

  private static int bucketOf(long micros) {
    int bucket = 0;
    while (LatencyHistogram.upperBoundMicros(bucket) <= micros) {
      bucket++;
    }
    return bucket;
  }

  private static ClassHealth health(
      long inferences, long errors, long labelled, long correct, long micros, double confidence) {
    return new ClassHealth(
        new WaveHealth(
            inferences,
            errors,
            new WaveHealth.Feedback(labelled, correct),
            new LatencyHistogram(
                Stream.concat(
                        Collections.nCopies(bucketOf(micros), 0L).stream(), Stream.of(inferences))
                    .toList()),
            OptionalDouble.of(confidence)),
        BASELINE);
  }
}
