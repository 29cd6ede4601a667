package io.stillhouse.lab.compress;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Factorisation.Measure;
import io.stillhouse.model.recipe.Selection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes recipes so that {@link RecipeYaml} reads equal ones: every field, none by default. */
public final class RecipeText {
  private RecipeText() {}

  public static String of(CompressionRecipe recipe) {
    StringBuilder text = new StringBuilder();
    text.append("seed: ").append(recipe.seed()).append('\n');
    text.append("arithmetic: ").append(recipe.arithmetic().word()).append('\n');
    text.append("steps:\n");
    for (Compression step : recipe.steps()) {
      text.append("  - ").append(kind(step)).append(": {");
      text.append(
          fields(step).entrySet().stream()
              .map(field -> field.getKey() + ": " + field.getValue())
              .collect(Collectors.joining(", ")));
      text.append("}\n");
    }
    return text.toString();
  }

  /** The name of a step as a recipe gives it. */
  public static String kind(Compression step) {
    return step.match(
        distill -> "distill",
        redesign -> "redesign",
        prune -> "prune",
        lowRank -> "lowRank",
        sparsify -> "sparsify",
        cluster -> "cluster",
        quantize -> "quantize");
  }

  private static Map<String, Object> fields(Compression step) {
    Map<String, Object> fields = new LinkedHashMap<>();
    step.match(
        distill -> {
          fields.put("student", quoted(distill.student()));
          fields.put("width", distill.width());
          fields.put("method", YamlFields.spelled(distill.lesson().method()));
          fields.put("temperature", distill.lesson().temperature());
          fields.put("softLossWeight", distill.lesson().softLossWeight());
          fields.put("methodWeight", distill.lesson().methodWeight());
          if (!distill.lesson().teachers().isEmpty()) {
            fields.put(
                "teachers",
                distill.lesson().teachers().stream()
                    .map(RecipeText::quoted)
                    .collect(Collectors.joining(", ", "[", "]")));
          }
          distill.unlabelled().ifPresent(folder -> fields.put("unlabelled", quoted(folder)));
          return fields.put("epochs", distill.epochs());
        },
        redesign -> {
          fields.put("strategy", quoted(redesign.strategy().toString()));
          return fields.put("epochs", redesign.epochs());
        },
        prune -> {
          fields.put("ratio", prune.ratio());
          fields.put("importance", YamlFields.spelled(prune.importance()));
          fields.put("roundTo", prune.roundTo());
          selection(prune.selection(), fields);
          return fields.put("epochs", prune.epochs());
        },
        lowRank -> {
          fields.put("method", YamlFields.spelled(lowRank.factorisation().method()));
          fields.put(
              lowRank.factorisation().measure() == Measure.MACS ? "macsKept" : "energyKept",
              lowRank.factorisation().kept());
          return fields.put("epochs", lowRank.epochs());
        },
        sparsify -> {
          boolean share = sparsify.sparsity().group() == 0;
          fields.put(
              share ? "ratio" : "pattern",
              share
                  ? sparsify.sparsity().ratio()
                  : quoted(sparsify.sparsity().kept() + ":" + sparsify.sparsity().group()));
          return fields.put("epochs", sparsify.epochs());
        },
        cluster -> {
          fields.put("bits", cluster.bits());
          return fields.put("epochs", cluster.epochs());
        },
        quantize -> quantize(quantize, fields));
    return fields;
  }

  private static void selection(Selection selection, Map<String, Object> fields) {
    fields.put("scope", YamlFields.spelled(selection.scope()));
    if (!selection.layerRatios().isEmpty()) {
      fields.put(
          "layers",
          new TreeMap<>(selection.layerRatios())
              .entrySet().stream()
                  .map(layer -> quoted(layer.getKey()) + ": " + layer.getValue())
                  .collect(Collectors.joining(", ", "{", "}")));
    }
    fields.put("rounds", selection.rounds());
  }

  private static Map<String, Object> quantize(Quantize quantize, Map<String, Object> fields) {
    fields.put("precision", YamlFields.spelled(quantize.precision()));
    fields.put("calibration", YamlFields.spelled(quantize.calibration()));
    if (quantize.precision() == Precision.INT8) {
      fields.put("mode", YamlFields.spelled(quantize.mode()));
      if (quantize.mode().trains()) {
        fields.put("epochs", quantize.epochs());
      }
      fields.put("equalise", quantize.repairs().equalise());
      fields.put("correctBias", quantize.repairs().correctBias());
      fields.put("accuracyDropMax", quantize.repairs().accuracyDropMax());
    }
    return fields;
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }
}
