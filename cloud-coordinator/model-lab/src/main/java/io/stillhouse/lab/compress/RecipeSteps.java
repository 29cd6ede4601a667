package io.stillhouse.lab.compress;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.Factorisation;
import io.stillhouse.model.recipe.Factorisation.Measure;
import io.stillhouse.model.recipe.Factorisation.Method;
import io.stillhouse.model.recipe.Lesson;
import io.stillhouse.model.recipe.Selection;
import io.stillhouse.model.recipe.Sparsity;
import io.stillhouse.model.redesign.DesignStrategy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.yaml.snakeyaml.nodes.Node;

/** The kinds of steps that a recipe file may name, and the fields of each. */
final class RecipeSteps {
  private static final Map<String, Kind> KINDS = new LinkedHashMap<>();

  static {
    KINDS.put(
        "distill",
        new Kind(
            Set.of(
                "student",
                "width",
                "method",
                "temperature",
                "softLossWeight",
                "methodWeight",
                "teachers",
                "unlabelled",
                "epochs"),
            RecipeSteps::distill));
    KINDS.put("redesign", new Kind(Set.of("strategy", "epochs"), RecipeSteps::redesign));
    KINDS.put(
        "prune",
        new Kind(
            Set.of("ratio", "importance", "roundTo", "epochs", "scope", "layers", "rounds"),
            RecipeSteps::prune));
    KINDS.put(
        "lowRank",
        new Kind(Set.of("method", "energyKept", "macsKept", "epochs"), RecipeSteps::lowRank));
    KINDS.put("sparsify", new Kind(Set.of("ratio", "pattern", "epochs"), RecipeSteps::sparsify));
    KINDS.put("cluster", new Kind(Set.of("bits", "epochs"), RecipeSteps::cluster));
    KINDS.put(
        "quantize",
        new Kind(
            Set.of(
                "precision",
                "mode",
                "calibration",
                "epochs",
                "equalise",
                "correctBias",
                "accuracyDropMax"),
            RecipeSteps::quantize));
  }

  private RecipeSteps() {}

  private record Kind(Set<String> fields, Function<YamlFields, Compression> read) {}

  /** One entry of {@code steps}. */
  static Compression step(String file, Node node) {
    String kinds = String.join(", ", KINDS.keySet().stream().sorted().toList());
    YamlFields step = YamlFields.named(file, "step", node, "'name: {fields}' with one of " + kinds);
    if (step.nodes().size() != 1) {
      throw step.error(
          node, "step: %d kinds in one step (expected: 1 per '-')".formatted(step.nodes().size()));
    }
    Map.Entry<String, Node> only = step.nodes().entrySet().iterator().next();
    Kind kind = KINDS.get(only.getKey());
    if (kind == null) {
      throw step.error(
          node, "step: %s is not known (expected: one of %s)".formatted(only.getKey(), kinds));
    }
    return kind.read.apply(YamlFields.of(file, only.getKey(), only.getValue(), kind.fields));
  }

  private static Compression distill(YamlFields f) {
    String student = f.text("student");
    double width = f.real("width", 1.0);
    Lesson.Method method =
        f.choice("method", Lesson.Method.LOGITS, List.of(Lesson.Method.values()));
    boolean mutual = method == Lesson.Method.MUTUAL;
    double temperature = f.real("temperature", mutual ? 1.0 : 4.0);
    double soft = f.real("softLossWeight", mutual ? 1.0 : 0.9);
    double own = f.real("methodWeight", method.usualWeight());
    List<String> teachers = f.texts("teachers");
    Optional<String> unlabelled =
        f.has("unlabelled") ? Optional.of(f.text("unlabelled")) : Optional.empty();
    int epochs = f.whole("epochs");
    return f.checked(
        () ->
            new Compression.Distill(
                student,
                width,
                new Lesson(method, temperature, soft, own, teachers),
                unlabelled,
                epochs));
  }

  private static Compression redesign(YamlFields f) {
    String strategy = f.text("strategy");
    int epochs = f.whole("epochs");
    return f.checked(() -> new Compression.Redesign(DesignStrategy.parse(strategy), epochs));
  }

  private static Compression prune(YamlFields f) {
    double ratio = f.real("ratio");
    Importance importance = f.choice("importance", Importance.L1, List.of(Importance.values()));
    int roundTo = f.whole("roundTo", 8);
    int epochs = f.whole("epochs", 0);
    Selection.Scope scope =
        f.choice("scope", Selection.Scope.LAYER, List.of(Selection.Scope.values()));
    Map<String, Double> layers = f.reals("layers");
    int rounds = f.whole("rounds", 1);
    return f.checked(
        () ->
            new Compression.Prune(
                ratio, importance, roundTo, epochs, new Selection(scope, layers, rounds)));
  }

  private static Compression lowRank(YamlFields f) {
    f.require("method");
    Method method = f.choice("method", Method.SVD, List.of(Method.values()));
    if (f.has("energyKept") && f.has("macsKept")) {
      throw f.error(
          f.require("macsKept"), "lowRank: energyKept and macsKept (expected: one of them)");
    }
    Measure measure = f.has("macsKept") ? Measure.MACS : Measure.ENERGY;
    double kept = measure == Measure.MACS ? f.real("macsKept") : f.real("energyKept", 0.9);
    int epochs = f.whole("epochs", 0);
    return f.checked(
        () -> new Compression.LowRank(new Factorisation(method, measure, kept), epochs));
  }

  private static Compression sparsify(YamlFields f) {
    if (f.has("ratio") == f.has("pattern")) {
      throw f.error("sparsify: ratio and pattern (expected: exactly one of them)");
    }
    int epochs = f.whole("epochs", 0);
    return f.has("ratio")
        ? sparsify(f, f.real("ratio"), epochs)
        : f.checked(() -> new Compression.Sparsify(Sparsity.parse(f.text("pattern")), epochs));
  }

  private static Compression sparsify(YamlFields f, double ratio, int epochs) {
    return f.checked(() -> new Compression.Sparsify(Sparsity.share(ratio), epochs));
  }

  private static Compression cluster(YamlFields f) {
    int bits = f.whole("bits");
    int epochs = f.whole("epochs", 0);
    return f.checked(() -> new Compression.Cluster(bits, epochs));
  }

  private static Compression quantize(YamlFields f) {
    Precision precision =
        f.choice("precision", Precision.INT8, List.of(Precision.INT8, Precision.FP16));
    Quantize.Mode mode = f.choice("mode", Quantize.Mode.PTQ, List.of(Quantize.Mode.values()));
    Calibration calibration =
        f.choice("calibration", Calibration.PERCENTILE, List.of(Calibration.values()));
    int epochs = f.whole("epochs", mode.trains() ? 1 : 0);
    boolean equalise = f.truth("equalise", false);
    boolean correctBias = f.truth("correctBias", false);
    double drop = f.real("accuracyDropMax", 1);
    return f.checked(
        () ->
            new Quantize(
                precision,
                calibration,
                mode,
                epochs,
                new Quantize.Repairs(equalise, correctBias, drop)));
  }
}
