package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeYamlTest {
  private static final String GOOD =
      """
      seed: 7
      steps:
        - distill: {student: separable_small, width: 0.5, temperature: 2, softLossWeight: 0.8, epochs: 6}
        - prune: {ratio: 0.4, importance: l1, roundTo: 4, epochs: 2}
        - quantize: {precision: int8, mode: ptq, calibration: minMax}
      """;

  @Test
  void every_field_reaches_the_recipe() {
    assertThat(RecipeYaml.parse("r.yaml", GOOD))
        .isEqualTo(
            new CompressionRecipe(
                7,
                List.of(
                    new Distill("separable_small", 0.5, 2, 0.8, 6),
                    new Prune(0.4, Importance.L1, 4, 2),
                    new Quantize(Precision.INT8, Calibration.MIN_MAX))));
  }

  @Test
  void fields_that_are_left_out_have_defaults() {
    assertThat(
            RecipeYaml.parse(
                "r.yaml",
                "steps:\n  - distill: {student: resnet8, epochs: 1}\n  - prune: {ratio: 0.2}\n  - quantize: {}\n"))
        .isEqualTo(
            new CompressionRecipe(
                0,
                List.of(
                    new Distill("resnet8", 1.0, 4, 0.9, 1),
                    new Prune(0.2, Importance.L1, 8, 0),
                    new Quantize(Precision.INT8, Calibration.PERCENTILE))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "seed: 7 | seed: seven | line 1: seed: seven (expected: a whole number)",
        "seed: 7 | sed: 7 | line 1: recipe: unknown field sed (expected: seed, steps)",
        "ratio: 0.4 | ratio: 1.4 | line 4: ratio: 1.4 (expected: 0 <= ratio < 1)",
        "ratio: 0.4, |  | line 4: prune: field ratio is missing",
        "roundTo: 4 | round: 4 | line 4: prune: unknown field round (expected: epochs, importance, ratio, roundTo)",
        "importance: l1 | importance: taylor | line 4: importance: taylor (expected: l1)",
        "calibration: minMax | calibration: kl | line 5: calibration: kl (expected: minMax, percentile)",
        "precision: int8 | precision: int4 | line 5: precision: int4 (expected: int8)",
        "quantize: | quantise: | line 5: step: unknown field quantise (expected: distill, prune, quantize)",
        "epochs: 6 | epochs: 6.5 | line 3: epochs: 6.5 (expected: a whole number)",
        "epochs: 6 | epochs: [6] | line 3: epochs: not a single value",
        "epochs: 2 | ratio: 2 | line 4: prune: field ratio stands twice",
        "student: separable_small | student: lenet | line 3: network: lenet is not known (expected: one of",
        "steps: | steps: { | not YAML",
        "separable_small | !!java.net.URL x | line 3: not YAML: Global tag is not allowed"
      })
  void a_mistake_is_one_line_with_its_place(String good, String bad, String message) {
    String text = GOOD.replace(good, bad == null ? "" : bad);
    assertThat(text).isNotEqualTo(GOOD);
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("r.yaml")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void an_empty_and_an_oversized_file_are_refused() {
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "")).hasMessageContaining("is empty");
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", " ".repeat(70_000)))
        .hasMessageContaining("70000 characters");
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "steps: ".repeat(3) + "[".repeat(5_000)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "a: &a [*a]"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
