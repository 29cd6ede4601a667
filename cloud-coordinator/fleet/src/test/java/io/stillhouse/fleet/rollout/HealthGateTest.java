package io.stillhouse.fleet.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.OptionalDouble;
import java.util.OptionalLong;
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
  void latency_fails_beyond_the_budget_or_the_growth_limit_once_there_are_enough_inferences() {
    assertThat(judge(health(100, 0, 0, 0, 5_001, 0.8)))
        .isEqualTo(new Verdict.Fail("p99 latency 5001 us (budget 5000 us)"));
    assertThat(judge(health(100, 0, 0, 0, 2_501, 0.8)))
        .isEqualTo(new Verdict.Fail("p99 latency 2501 us, baseline 1000 us (limit 2500 us)"));
    assertThat(judge(health(99, 0, 0, 0, 9_000, 0.8))).isEqualTo(new Verdict.Pass());
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

  private static ClassHealth health(
      long inferences, long errors, long labelled, long correct, long p99, double confidence) {
    return new ClassHealth(
        new WaveHealth(
            inferences,
            errors,
            new WaveHealth.Feedback(labelled, correct),
            OptionalLong.of(p99),
            OptionalDouble.of(confidence)),
        BASELINE);
  }
}
