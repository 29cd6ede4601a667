package io.stillhouse.model.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Cluster;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.LowRank;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.Compression.Sparsify;
import io.stillhouse.model.recipe.Factorisation.Measure;
import io.stillhouse.model.redesign.DesignStrategy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompressionRecipeTest {
  private static final Compression.Redesign SEPARABLE =
      new Compression.Redesign(DesignStrategy.parse("separable"), 2);
  private static final Distill DISTILL = new Distill("separable_small", 0.5, 4, 0.9, 3);
  private static final LowRank TUCKER =
      new LowRank(new Factorisation(Factorisation.Method.TUCKER2, Measure.ENERGY, 0.9), 1);
  private static final Sparsify SPARSE = new Sparsify(Sparsity.share(0.5), 1);
  private static final Quantize INT8 = new Quantize(Precision.INT8, Calibration.MIN_MAX);

  @Test
  void values_out_of_range_name_the_field_the_value_and_the_expectation() {
    assertThatThrownBy(() -> new Prune(1.2, Importance.L1, 8, 1))
        .hasMessage("ratio: 1.2 (expected: 0 <= ratio < 1)");
    assertThatThrownBy(() -> new Selection(Selection.Scope.GLOBAL, Map.of("stem", 1.0), 1))
        .hasMessage("layers.stem: 1.0 (expected: 0 <= ratio < 1)");
    assertThatThrownBy(() -> new Selection(Selection.Scope.GLOBAL, Map.of(), 0))
        .hasMessage("rounds: 0 (expected: 1 to 64)");
    assertThatThrownBy(
            () ->
                new Prune(
                    0.5,
                    Importance.TAYLOR,
                    8,
                    2,
                    new Selection(Selection.Scope.LAYER, Map.of(), 3)))
        .hasMessage("rounds: 3 (expected: 1, or at least one epoch for each of them)");
    assertThatThrownBy(() -> new Factorisation(Factorisation.Method.SVD, Measure.MACS, 0))
        .hasMessage("macsKept: 0.0 (expected: 0 < kept <= 1)");
    assertThatThrownBy(() -> new Distill("separable_small", 1, 0, 0.9, 3))
        .hasMessageContaining("temperature: 0.0");
    assertThatThrownBy(() -> new Distill("mobilenet_v9", 1, 4, 0.9, 3))
        .hasMessageContaining("mobilenet_v9 is not known");
    assertThatThrownBy(() -> new Quantize(Precision.FP32, Calibration.MIN_MAX))
        .hasMessageContaining("precision: FP32 (expected: int8, fp16)");
  }

  @Test
  void distillation_stands_first_and_quantization_last() {
    assertThatThrownBy(() -> new CompressionRecipe(1, List.of(INT8, DISTILL)))
        .hasMessageContaining("quantize stands at place 1 (expected: last");
    assertThatThrownBy(
            () -> new CompressionRecipe(1, List.of(new Prune(0.3, Importance.L1, 8, 1), DISTILL)))
        .hasMessageContaining("distill stands at place 2 (expected: first");
    assertThatThrownBy(
            () -> new CompressionRecipe(1, List.of(TUCKER, new Prune(0.3, Importance.L1, 8, 1))))
        .hasMessageContaining("prune stands at place 2, after lowRank (expected: before it");
    assertThatThrownBy(() -> new CompressionRecipe(1, List.of())).hasMessageContaining("steps: 0");
  }

  @Test
  void a_step_that_undoes_an_earlier_one_is_refused_with_the_reason() {
    Prune prune = new Prune(0.3, Importance.L1, 8, 1);
    Quantize half = new Quantize(Precision.FP16, Calibration.MIN_MAX);
    Quantize trained =
        new Quantize(
            Precision.INT8, Calibration.MIN_MAX, Quantize.Mode.QAT, 1, Quantize.Repairs.NONE);
    refused(List.of(SPARSE, prune), "prune stands at place 2, after sparsify");
    refused(List.of(TUCKER, SEPARABLE), "a factor is no design of its own");
    refused(List.of(SPARSE, SEPARABLE), "new weights have no zeros");
    refused(List.of(new Cluster(4, 0), SEPARABLE), "weights would leave the palette");
    assertThat(new CompressionRecipe(1, List.of(SEPARABLE, prune, SEPARABLE)).steps()).hasSize(3);
    refused(List.of(SPARSE, TUCKER), "a product of factors fills the zeros");
    refused(List.of(new Cluster(4, 0), TUCKER), "weights would leave the palette");
    refused(
        List.of(prune, new Cluster(4, 0), trained), "quantize stands at place 3, after cluster");
    Quantize.Repairs even = new Quantize.Repairs(true, false, 1);
    Quantize.Repairs bounded = new Quantize.Repairs(false, true, 0.01);
    refused(
        List.of(
            new Cluster(4, 0),
            new Quantize(Precision.INT8, Calibration.MIN_MAX, Quantize.Mode.PTQ, 0, even)),
        "equalise gives every channel a scale, and weights leave the palette");
    Quantize laddered =
        new Quantize(Precision.INT8, Calibration.MIN_MAX, Quantize.Mode.PTQ, 0, bounded);
    assertThat(new CompressionRecipe(1, List.of(new Cluster(4, 0), laddered)).steps()).hasSize(2);
    refused(List.of(new Cluster(4, 0), half), "a palette is smaller than fp16 already");
    assertThat(new CompressionRecipe(1, List.of(TUCKER, TUCKER, SPARSE, trained)).steps())
        .hasSize(4);
  }

  private static void refused(List<Compression> steps, String reason) {
    assertThatThrownBy(() -> new CompressionRecipe(1, steps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining("(expected: before it, because");
  }

  @Test
  void what_belongs_to_another_way_of_quantizing_is_refused() {
    assertThatThrownBy(
            () ->
                new Quantize(
                    Precision.INT8,
                    Calibration.MIN_MAX,
                    Quantize.Mode.PTQ,
                    2,
                    Quantize.Repairs.NONE))
        .hasMessage("epochs: 2 (expected: 0 without qat)");
    assertThatThrownBy(
            () ->
                new Quantize(
                    Precision.FP16,
                    Calibration.MIN_MAX,
                    Quantize.Mode.QAT,
                    2,
                    Quantize.Repairs.NONE))
        .hasMessageContaining("int8 for qat and repairs; fp16 is storage alone");
    assertThatThrownBy(
            () ->
                new Quantize(
                    Precision.INT8,
                    Calibration.MIN_MAX,
                    Quantize.Mode.QAT_LEARNED,
                    2,
                    new Quantize.Repairs(true, true, 1)))
        .hasMessage("correctBias: true (expected: none with qat, whose training finds the biases)");
    assertThatThrownBy(() -> new Quantize.Repairs(true, true, -0.1))
        .hasMessage("accuracyDropMax: -0.1 (expected: 0 to 1)");
    assertThatThrownBy(() -> Sparsity.parse("4:2"))
        .hasMessage("pattern: 4:2 (expected: N:M with 1 <= N < M <= 32)");
    assertThatThrownBy(() -> Sparsity.parse("half")).hasMessageContaining("N:M, e.g. 2:4");
    assertThatThrownBy(() -> new Cluster(1, 0)).hasMessage("bits: 1 (expected: 2 to 8)");
    assertThatThrownBy(
            () -> new Lesson(Lesson.Method.HINTS, 4, 0.9, 100, List.of("another/teacher")))
        .hasMessageContaining("which look inside one teacher");
    assertThatThrownBy(() -> new Distill(Distill.SAME, 0.5, 4, 0.9, 1))
        .hasMessage("width: 0.5 (expected: 1 for a student of the teacher's shape)");
  }

  @Test
  void match_reaches_every_case() {
    CompressionRecipe recipe =
        new CompressionRecipe(
            1,
            List.of(
                DISTILL,
                SEPARABLE,
                new Prune(0.3, Importance.L1, 8, 1),
                TUCKER,
                SPARSE,
                new Cluster(4, 0),
                INT8));
    assertThat(
            recipe.steps().stream()
                .map(
                    step ->
                        step.<String>match(
                            d -> "d", r -> "r", p -> "p", l -> "l", s -> "s", c -> "c", q -> "q"))
                .toList())
        .containsExactly("d", "r", "p", "l", "s", "c", "q");
  }

  @Test
  void ratios_of_layers_read_alike_in_every_process() {
    Map<String, Double> ratios = new HashMap<>();
    for (char layer = 'z'; layer >= 'a'; layer--) {
      ratios.put("conv." + layer, 0.25);
    }
    assertThat(new Selection(Selection.Scope.LAYER, ratios, 1).toString())
        .contains("conv.a=0.25, conv.b=0.25, conv.c=0.25")
        .contains("conv.x=0.25, conv.y=0.25, conv.z=0.25");
  }
}
