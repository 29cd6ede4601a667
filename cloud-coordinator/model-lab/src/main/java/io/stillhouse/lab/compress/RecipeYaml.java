package io.stillhouse.lab.compress;

import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Reads recipes as people write them:
 *
 * <pre>{@code
 * seed: 7
 * arithmetic: fp32
 * steps:
 *   - distill: {student: separable_small, width: 0.5, temperature: 4.0, softLossWeight: 0.9, epochs: 6}
 *   - prune:   {ratio: 0.4, importance: l1, roundTo: 8, epochs: 2}
 *   - quantize: {precision: int8, calibration: percentile}
 * }</pre>
 *
 * <p>Only the node tree is parsed, so that no tag in the file can name a Java type, and size, depth
 * and aliases are bounded. Whatever is wrong is one {@link IllegalArgumentException} of one line
 * with the line number, the field and what is allowed.
 */
public final class RecipeYaml {
  /** A recipe longer than this is a mistake. */
  public static final int CHARACTERS_MAX = 64 << 10;

  private RecipeYaml() {}

  /**
   * Parses the text of a recipe file.
   *
   * @param name of the file, for messages
   */
  public static CompressionRecipe parse(String name, String text) {
    if (text.length() > CHARACTERS_MAX) {
      throw new IllegalArgumentException(
          "%s: %d characters (expected: up to %d)".formatted(name, text.length(), CHARACTERS_MAX));
    }
    LoaderOptions options = new LoaderOptions();
    options.setAllowRecursiveKeys(false);
    options.setMaxAliasesForCollections(0);
    options.setNestingDepthLimit(8);
    Node root;
    try {
      root = new Yaml(options).compose(new StringReader(text));
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw new IllegalArgumentException(
          "%s, line %d: not YAML: %s".formatted(name, line, oneLine(e.getProblem())), e);
    } catch (YAMLException e) {
      throw new IllegalArgumentException(
          "%s: not YAML: %s".formatted(name, oneLine(e.getMessage())), e);
    }
    if (root == null) {
      throw new IllegalArgumentException(name + ": is empty (expected: seed and steps)");
    }
    return recipe(name, root);
  }

  private static String oneLine(@Nullable String message) {
    return message == null ? "unreadable" : message.lines().findFirst().orElse("unreadable");
  }

  private static CompressionRecipe recipe(String name, Node root) {
    YamlFields fields = YamlFields.of(name, "recipe", root, Set.of("seed", "arithmetic", "steps"));
    Node stepsNode = fields.require("steps");
    if (!(stepsNode instanceof SequenceNode sequence)) {
      throw fields.error(stepsNode, "steps: not a list (expected: one '- step: {...}' per line)");
    }
    List<Compression> steps = new ArrayList<>();
    for (Node step : sequence.getValue()) {
      steps.add(RecipeSteps.step(name, step));
    }
    long seed = fields.large("seed", 0);
    Arithmetic arithmetic =
        fields.choice("arithmetic", Arithmetic.FP32, List.of(Arithmetic.values()));
    Optional<CompressionRecipe.Misplaced> misplaced = CompressionRecipe.misplaced(steps);
    if (misplaced.isPresent()) {
      throw fields.error(
          sequence.getValue().get(misplaced.get().place() - 1), misplaced.get().message());
    }
    return fields.checked(() -> new CompressionRecipe(seed, arithmetic, steps));
  }
}
