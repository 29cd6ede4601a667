package io.stillhouse.lab.compress;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Reads recipes as people write them:
 *
 * <pre>{@code
 * seed: 7
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
    return new RecipeYamlReader(name).recipe(root);
  }

  private static String oneLine(@Nullable String message) {
    return message == null ? "unreadable" : message.lines().findFirst().orElse("unreadable");
  }

  /** Walks the tree of one file. */
  private record RecipeYamlReader(String name) {
    CompressionRecipe recipe(Node root) {
      Map<String, Node> fields = fields("recipe", root, Set.of("seed", "steps"));
      Node stepsNode = require("recipe", root, fields, "steps");
      if (!(stepsNode instanceof SequenceNode sequence)) {
        throw error(stepsNode, "steps: not a list (expected: one '- step: {...}' per line)");
      }
      List<Compression> steps = new ArrayList<>();
      for (Node step : sequence.getValue()) {
        steps.add(step(step));
      }
      Node seed = fields.get("seed");
      long value = seed == null ? 0 : number("seed", seed, Long::parseLong, "a whole number");
      return checked(stepsNode, () -> new CompressionRecipe(value, steps));
    }

    private Compression step(Node node) {
      Map<String, Node> step = fields("step", node, Set.of("distill", "prune", "quantize"));
      if (step.size() != 1) {
        throw error(
            node, "step: %d kinds in one step (expected: 1 per '-')".formatted(step.size()));
      }
      String kind = step.keySet().iterator().next();
      Node body = step.values().iterator().next();
      return switch (kind) {
        case "distill" -> distill(body);
        case "prune" -> prune(body);
        default -> quantize(body);
      };
    }

    private Compression distill(Node node) {
      Map<String, Node> f =
          fields(
              "distill",
              node,
              Set.of("student", "width", "temperature", "softLossWeight", "epochs"));
      String student = text("student", require("distill", node, f, "student"));
      double width = real(f, "width", 1.0);
      double temperature = real(f, "temperature", 4.0);
      double soft = real(f, "softLossWeight", 0.9);
      int epochs = whole("epochs", require("distill", node, f, "epochs"));
      return checked(
          node, () -> new Compression.Distill(student, width, temperature, soft, epochs));
    }

    private Compression prune(Node node) {
      Map<String, Node> f =
          fields("prune", node, Set.of("ratio", "importance", "roundTo", "epochs"));
      double ratio =
          number("ratio", require("prune", node, f, "ratio"), Double::parseDouble, "a number");
      Importance importance = choice(f, "importance", Importance.L1, List.of(Importance.values()));
      int roundTo = f.get("roundTo") == null ? 8 : whole("roundTo", f.get("roundTo"));
      int epochs = f.get("epochs") == null ? 0 : whole("epochs", f.get("epochs"));
      return checked(node, () -> new Compression.Prune(ratio, importance, roundTo, epochs));
    }

    private Compression quantize(Node node) {
      Map<String, Node> f = fields("quantize", node, Set.of("precision", "mode", "calibration"));
      Precision precision = choice(f, "precision", Precision.INT8, List.of(Precision.INT8));
      choice(f, "mode", Mode.PTQ, List.of(Mode.values()));
      Calibration calibration =
          choice(f, "calibration", Calibration.PERCENTILE, List.of(Calibration.values()));
      return checked(node, () -> new Compression.Quantize(precision, calibration));
    }

    /** Keys of a mapping, each known and named once. */
    private Map<String, Node> fields(String what, Node node, Set<String> allowed) {
      if (!(node instanceof MappingNode mapping)) {
        throw error(node, "%s: not a mapping (expected: %s)".formatted(what, sorted(allowed)));
      }
      Map<String, Node> fields = new LinkedHashMap<>();
      for (NodeTuple tuple : mapping.getValue()) {
        String key = text(what, tuple.getKeyNode());
        if (!allowed.contains(key)) {
          throw error(
              tuple.getKeyNode(),
              "%s: unknown field %s (expected: %s)".formatted(what, key, sorted(allowed)));
        }
        if (fields.put(key, tuple.getValueNode()) != null) {
          throw error(tuple.getKeyNode(), "%s: field %s stands twice".formatted(what, key));
        }
      }
      return fields;
    }

    private Node require(String what, Node node, Map<String, Node> fields, String field) {
      Node value = fields.get(field);
      if (value == null) {
        throw error(node, "%s: field %s is missing".formatted(what, field));
      }
      return value;
    }

    private String text(String field, Node node) {
      if (!(node instanceof ScalarNode scalar)) {
        throw error(node, field + ": not a single value");
      }
      return scalar.getValue();
    }

    private double real(Map<String, Node> fields, String field, double otherwise) {
      Node node = fields.get(field);
      return node == null ? otherwise : number(field, node, Double::parseDouble, "a number");
    }

    private int whole(String field, Node node) {
      return number(field, node, Integer::parseInt, "a whole number");
    }

    private <N> N number(String field, Node node, Function<String, N> parse, String expected) {
      String text = text(field, node);
      try {
        return parse.apply(text);
      } catch (NumberFormatException e) {
        throw error(node, "%s: %s (expected: %s)".formatted(field, text, expected));
      }
    }

    private <E extends Enum<E>> E choice(
        Map<String, Node> fields, String field, E otherwise, List<E> allowed) {
      Node node = fields.get(field);
      if (node == null) {
        return otherwise;
      }
      String text = text(field, node);
      for (E value : allowed) {
        if (spelled(value).equals(text)) {
          return value;
        }
      }
      throw error(
          node,
          "%s: %s (expected: %s)"
              .formatted(
                  field, text, String.join(", ", allowed.stream().map(v -> spelled(v)).toList())));
    }

    /** {@code MIN_MAX} is written {@code minMax}. */
    private static String spelled(Enum<?> value) {
      StringBuilder name = new StringBuilder();
      for (String word : value.name().toLowerCase(Locale.ROOT).split("_", -1)) {
        name.append(
            name.length() == 0
                ? word
                : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1));
      }
      return name.toString();
    }

    /** Gives a refusal of the records the place in the file where it was earned. */
    private <T> T checked(Node node, Supplier<T> make) {
      try {
        return make.get();
      } catch (IllegalArgumentException e) {
        throw error(node, String.valueOf(e.getMessage()));
      }
    }

    private IllegalArgumentException error(Node node, String what) {
      return new IllegalArgumentException(
          "%s, line %d: %s".formatted(name, node.getStartMark().getLine() + 1, what));
    }

    private static String sorted(Set<String> names) {
      return String.join(", ", names.stream().sorted().toList());
    }
  }

  /** Ways to quantize; post-training is the one there is, and its name may be written out. */
  private enum Mode {
    PTQ
  }
}
