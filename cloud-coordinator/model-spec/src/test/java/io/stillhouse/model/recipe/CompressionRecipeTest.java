package io.stillhouse.model.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompressionRecipeTest {
  private static final Distill DISTILL = new Distill("separable_small", 0.5, 4, 0.9, 3);
  private static final Quantize INT8 = new Quantize(Precision.INT8, Calibration.MIN_MAX);

  @Test
  void values_out_of_range_name_the_field_the_value_and_the_expectation() {
    assertThatThrownBy(() -> new Prune(1.2, Importance.L1, 8, 1))
        .hasMessage("ratio: 1.2 (expected: 0 <= ratio < 1)");
    assertThatThrownBy(() -> new Distill("separable_small", 1, 0, 0.9, 3))
        .hasMessageContaining("temperature: 0.0");
    assertThatThrownBy(() -> new Distill("mobilenet_v9", 1, 4, 0.9, 3))
        .hasMessageContaining("mobilenet_v9 is not known");
    assertThatThrownBy(() -> new Quantize(Precision.FP32, Calibration.MIN_MAX))
        .hasMessageContaining("precision: FP32 (expected: int8)");
  }

  @Test
  void distillation_stands_first_and_quantization_last() {
    assertThatThrownBy(() -> new CompressionRecipe(1, List.of(INT8, DISTILL)))
        .hasMessageContaining("quantize stands at place 1 (expected: last");
    assertThatThrownBy(
            () -> new CompressionRecipe(1, List.of(new Prune(0.3, Importance.L1, 8, 1), DISTILL)))
        .hasMessageContaining("distill stands at place 2 (expected: first");
    assertThatThrownBy(() -> new CompressionRecipe(1, List.of())).hasMessageContaining("steps: 0");
  }

  @Test
  void match_reaches_every_case() {
    CompressionRecipe recipe =
        new CompressionRecipe(1, List.of(DISTILL, new Prune(0.3, Importance.L1, 8, 1), INT8));
    assertThat(
            recipe.steps().stream()
                .map(step -> step.<String>match(d -> "d", p -> "p", q -> "q"))
                .toList())
        .containsExactly("d", "p", "q");
  }
}
