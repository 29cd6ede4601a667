package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.export.ActivationRanges.Range;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationTest {
  private static final long SEED = 5;

  private static float[] withOutliers() {
    Random random = new Random(SEED);
    float[] values = new float[200_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.abs(random.nextGaussian());
    }
    values[7] = 40;
    return values;
  }

  private static ActivationHistogram histogram(float[] values) {
    ActivationHistogram histogram = new ActivationHistogram();
    histogram.widen(values);
    histogram.count(values);
    return histogram;
  }

  /** The error as it really is, value by value. */
  private static double error(float[] values, Range range) {
    double scale = (range.high() - range.low()) / 255.0;
    double zero = Math.rint(-range.low() / scale);
    double sum = 0;
    for (float value : values) {
      double level = Math.max(0, Math.min(255, Math.rint(value / scale) + zero)) - zero;
      sum += Math.pow(value - level * scale, 2);
    }
    return sum / values.length;
  }

  @Test
  void the_least_squared_error_is_found_and_is_what_it_claims() {
    float[] values = withOutliers();
    ActivationHistogram histogram = histogram(values);
    Range whole = histogram.range(Calibration.MIN_MAX);
    Range best = histogram.range(Calibration.MSE);
    assertThat(whole.high()).isEqualTo(40);
    assertThat(best.high()).isBetween(7.9f, 40f);
    assertThat(error(values, best)).isLessThan(error(values, whole));
    assertThat(histogram.squaredError(best)).isCloseTo(error(values, best), within(2e-4));
    // No other range of the ones that are tried does better, by the true error.
    for (int i = 1; i < 10; i++) {
      Range other = new Range(0, 40 * (0.2f + 0.08f * i));
      assertThat(error(values, best)).isLessThan(error(values, other) * 1.05);
    }
  }

  @Test
  void entropy_cuts_a_lone_outlier_and_keeps_a_flat_range() {
    Range cut = histogram(withOutliers()).range(Calibration.ENTROPY);
    assertThat(cut.high()).isLessThan(20);
    float[] flat = new float[100_000];
    Random random = new Random(SEED);
    for (int i = 0; i < flat.length; i++) {
      flat[i] = random.nextFloat() * 2 - 1;
    }
    Range kept = histogram(flat).range(Calibration.ENTROPY);
    assertThat(kept.high()).isGreaterThan(0.9f);
    assertThat(kept.low()).isLessThan(-0.9f);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.5, 0.65, 0.8})
  void entropy_keeps_the_tail_behind_the_zeros_that_relu_makes(double zeroShare) {
    Random random = new Random(SEED);
    float[] values = new float[200_000];
    for (int i = 0; i < values.length; i++) {
      float value = (float) Math.abs(random.nextGaussian());
      values[i] = random.nextDouble() < zeroShare ? 0 : value;
    }
    values[0] = 0;
    float[] positive = positive(values);
    Range range = histogram(values).range(Calibration.ENTROPY);
    // Zeros are exact in every range: how many there are decides nothing.
    float[] oneZero = Arrays.copyOf(positive, positive.length + 1);
    assertThat(range).isEqualTo(histogram(oneZero).range(Calibration.ENTROPY));
    int cut = 0;
    for (float value : positive) {
      cut += value > range.high() ? 1 : 0;
    }
    assertThat((double) cut / positive.length).isLessThan(0.001);
  }

  private static float[] positive(float[] values) {
    float[] positive = new float[values.length];
    int count = 0;
    for (float value : values) {
      if (value > 0) {
        positive[count++] = value;
      }
    }
    return Arrays.copyOf(positive, count);
  }

  @Test
  void entropy_of_nothing_but_zeros_takes_the_whole_range() {
    ActivationHistogram zeros = histogram(new float[64]);
    assertThat(zeros.range(Calibration.ENTROPY)).isEqualTo(zeros.range(Calibration.MIN_MAX));
  }

  @Test
  void a_distribution_that_rounding_does_not_change_has_no_divergence() {
    float[] levels = new float[256];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = i / 255f;
    }
    ActivationHistogram histogram = histogram(levels);
    assertThat(histogram.divergence(new Range(0, 1))).isCloseTo(0, within(1e-9));
    assertThat(histogram.divergence(new Range(0, 0.5f))).isGreaterThan(0.1);
  }

  @Test
  void a_constant_activation_has_a_range_in_every_calibration() {
    for (Calibration calibration : Calibration.values()) {
      Range range = histogram(new float[] {2, 2, 2}).range(calibration);
      assertThat(range.low()).isZero();
      assertThat(range.high()).isBetween(0.3f, 2f);
    }
  }
}
