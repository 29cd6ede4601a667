package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Cluster;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.LowRank;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.Compression.Sparsify;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Factorisation;
import io.stillhouse.model.recipe.Factorisation.Measure;
import io.stillhouse.model.recipe.Factorisation.Method;
import io.stillhouse.model.recipe.Lesson;
import io.stillhouse.model.recipe.Selection;
import io.stillhouse.model.recipe.Sparsity;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

  @Test
  void a_recipe_says_what_its_training_computes_with() {
    String steps = "steps:\n  - quantize: {}\n";
    assertThat(RecipeYaml.parse("r.yaml", steps).arithmetic()).isEqualTo(Arithmetic.FP32);
    CompressionRecipe recipe = RecipeYaml.parse("r.yaml", "arithmetic: bf16\n" + steps);
    assertThat(recipe.arithmetic()).isEqualTo(Arithmetic.BF16);
    assertThat(RecipeYaml.parse("again.yaml", RecipeText.of(recipe))).isEqualTo(recipe);
    assertThat(recipe.withSteps(recipe.steps())).isEqualTo(recipe);
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "arithmetic: half\n" + steps))
        .hasMessage("r.yaml, line 1: arithmetic: half (expected: fp32, bf16)");
  }

  @Test
  void a_pruning_step_says_where_channels_are_compared_and_in_how_many_rounds() {
    assertThat(
            RecipeYaml.parse(
                    "r.yaml",
                    """
                    steps:
                      - prune: {ratio: 0.4, importance: batchNormScale, roundTo: 8, epochs: 6, scope: global,
                                rounds: 3, layers: {stem.conv: 0, stage1.block0.first.conv: 0.25}}
                    """)
                .steps())
        .containsExactly(
            new Prune(
                0.4,
                Importance.BATCH_NORM_SCALE,
                8,
                6,
                new Selection(
                    Selection.Scope.GLOBAL,
                    Map.of("stem.conv", 0.0, "stage1.block0.first.conv", 0.25),
                    3)));
  }

  @Test
  void every_further_field_reaches_its_step() {
    assertThat(
            RecipeYaml.parse(
                    "r.yaml",
                    """
                    steps:
                      - distill: {student: same, method: decoupled, methodWeight: 2, teachers: [a, b], epochs: 3}
                      - sparsify: {ratio: 0.8, epochs: 2}
                      - sparsify: {pattern: "2:4"}
                      - cluster: {bits: 4, epochs: 2}
                      - quantize: {correctBias: true, accuracyDropMax: 0.01, calibration: entropy}
                    """)
                .steps())
        .containsExactly(
            new Distill(
                "same", 1, new Lesson(Lesson.Method.DECOUPLED, 4, 0.9, 2, List.of("a", "b")), 3),
            new Sparsify(Sparsity.share(0.8), 2),
            new Sparsify(Sparsity.pattern(2, 4), 0),
            new Cluster(4, 2),
            new Quantize(
                Precision.INT8,
                Calibration.ENTROPY,
                Quantize.Mode.PTQ,
                0,
                new Quantize.Repairs(false, true, 0.01)));
    assertThat(
            RecipeYaml.parse(
                    "r.yaml", "steps:\n  - quantize: {mode: qat, epochs: 2, equalise: true}\n")
                .steps())
        .containsExactly(
            new Quantize(
                Precision.INT8,
                Calibration.PERCENTILE,
                Quantize.Mode.QAT,
                2,
                new Quantize.Repairs(true, false, 1)));
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "steps:\n  - sparsify: {epochs: 2}\n"))
        .hasMessage("r.yaml, line 2: sparsify: ratio and pattern (expected: exactly one of them)");
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "steps:\n  - quantize: {equalise: yes}\n"))
        .hasMessageContaining("equalise: yes (expected: true, false)");
    assertThatThrownBy(
            () ->
                RecipeYaml.parse(
                    "r.yaml", "steps:\n  - distill: {student: same, teachers: a, epochs: 1}\n"))
        .hasMessageContaining("teachers: not a list");
  }

  @Test
  void a_factorisation_keeps_energy_or_a_share_of_the_cost() {
    assertThat(
            RecipeYaml.parse(
                    "r.yaml",
                    "steps:\n  - lowRank: {method: tucker2}\n  - lowRank: {method: svd, macsKept: 0.5, epochs: 2}\n")
                .steps())
        .containsExactly(
            new LowRank(new Factorisation(Method.TUCKER2, Measure.ENERGY, 0.9), 0),
            new LowRank(new Factorisation(Method.SVD, Measure.MACS, 0.5), 2));
    assertThatThrownBy(
            () ->
                RecipeYaml.parse(
                    "r.yaml",
                    "steps:\n  - lowRank: {method: cp, macsKept: 0.5, energyKept: 0.9}\n"))
        .hasMessage("r.yaml, line 2: lowRank: energyKept and macsKept (expected: one of them)");
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "steps:\n  - lowRank: {method: qr}\n"))
        .hasMessageContaining("method: qr (expected: svd, spatialSvd, tucker2, cp)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{strategy: thin, epochs: 1} | strategy: thin (expected: one of kernel-split",
        "{strategy: 'squeeze:1', epochs: 1} | strategy squeeze: 1.0 (expected: a whole number from 2 to 64)",
        "{strategy: 'spatial:2', epochs: 1} | strategy spatial:2 (expected: spatial without a number)",
        "{strategy: ghost, epochs: 0} | epochs: 0 (expected: 1 to 1000)",
        "{strategy: ghost} | field epochs is missing",
      })
  void a_redesign_without_sense_is_refused_in_one_line(String step, String message) {
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "steps:\n  - redesign: " + step + "\n"))
        .hasMessageStartingWith("r.yaml, line 2: ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "seed: 7 | seed: seven | line 1: seed: seven (expected: a whole number)",
        "seed: 7 | sed: 7 | line 1: recipe: unknown field sed (expected: arithmetic, seed, steps)",
        "ratio: 0.4 | ratio: 1.4 | line 4: ratio: 1.4 (expected: 0 <= ratio < 1)",
        "ratio: 0.4, |  | line 4: prune: field ratio is missing",
        "roundTo: 4 | round: 4 | line 4: prune: unknown field round (expected: epochs, importance, layers, ratio, roundTo, rounds, scope)",
        "importance: l1 | importance: l3 | line 4: importance: l3 (expected: l1, l2, batchNormScale, taylor, geometricMedian, random)",
        "calibration: minMax | calibration: kl | line 5: calibration: kl (expected: minMax, percentile, mse, entropy)",
        "precision: int8 | precision: int4 | line 5: precision: int4 (expected: int8, fp16)",
        "quantize: | quantise: | line 5: step: quantise is not known (expected: one of cluster, distill, lowRank, prune, quantize, redesign, sparsify)",
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prune: {ratio: 0.4}, distill: {student: same, epochs: 1} | line 5: steps: distill stands at place 2 (expected: first",
        "quantize: {}, prune: {ratio: 0.4} | line 4: steps: quantize stands at place 1 (expected: last",
        "redesign: {strategy: ghost, epochs: 1}, sparsify: {ratio: 0.5}, prune: {ratio: 0.4} | line 6: steps: prune stands at place 3, after sparsify (expected: before it",
        "prune | line 4: step: not a mapping (expected: 'name: {fields}' with one of cluster, distill",
        "prune: {ratio: 0.4}, shrink: {} | line 5: step: shrink is not known (expected: one of cluster",
      })
  void a_step_in_the_wrong_place_is_named_with_its_own_line(String steps, String message) {
    String list = "  - " + steps.replace("}, ", "}\n  - ");
    assertThatThrownBy(() -> RecipeYaml.parse("r.yaml", "# a comment\nseed: 7\nsteps:\n" + list))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("r.yaml, " + message)
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "  - distill: {student: same, method: decoupled, teachers: [a, \"it's\"], epochs: 3}",
        "  - distill: {student: resnet8, softLossWeight: 1, unlabelled: 'p: q', epochs: 3}",
        "  - distill: {student: resnet8, width: 0.5, method: mutual, epochs: 3}",
        "  - prune: {ratio: 0.4, importance: batchNormScale, layers: {a.b: 0.25}, roundTo: 4}",
        "  - prune: {ratio: 0.4, importance: taylor, scope: sensitivity, rounds: 2, epochs: 4}",
        "  - redesign: {strategy: 'squeeze:4', epochs: 2}\n  - redesign: {strategy: 'width:0.5', epochs: 1}",
        "  - lowRank: {method: spatialSvd, energyKept: 0.8, epochs: 1}",
        "  - lowRank: {method: tucker2, macsKept: 0.5}",
        "  - sparsify: {pattern: '2:4', epochs: 1}\n  - cluster: {bits: 3}",
        "  - sparsify: {ratio: 0.75}\n  - quantize: {precision: fp16}",
        "  - quantize: {mode: qat, epochs: 2, calibration: minMax, equalise: true}",
        "  - quantize: {mode: qatLearned, epochs: 2}",
        "  - quantize: {calibration: entropy, correctBias: true, accuracyDropMax: 0.01}",
      })
  void a_recipe_that_is_written_reads_as_the_same(String steps) {
    CompressionRecipe recipe = RecipeYaml.parse("r.yaml", "seed: 12345678901\nsteps:\n" + steps);
    assertThat(RecipeYaml.parse("again.yaml", RecipeText.of(recipe))).isEqualTo(recipe);
  }
}
