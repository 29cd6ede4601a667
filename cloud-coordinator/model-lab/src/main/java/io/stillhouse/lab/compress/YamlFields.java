package io.stillhouse.lab.compress;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * One mapping of a YAML file: its keys, each known and named once, and typed values. Whatever is
 * wrong is an {@link IllegalArgumentException} with the file, the line, the field and what is
 * allowed.
 */
final class YamlFields {
  private final String file;
  private final String what;
  private final Node node;
  private final Map<String, Node> fields = new LinkedHashMap<>();

  private YamlFields(String file, String what, Node node) {
    this.file = file;
    this.what = what;
    this.node = node;
  }

  /** A mapping with only these keys. */
  static YamlFields of(String file, String what, Node node, Set<String> allowed) {
    YamlFields read = new YamlFields(file, what, node);
    read.read(key -> allowed.contains(key), String.join(", ", allowed.stream().sorted().toList()));
    return read;
  }

  /** A mapping whose keys are names; what is expected where there is no mapping. */
  static YamlFields named(String file, String what, Node node, String expected) {
    YamlFields read = new YamlFields(file, what, node);
    read.read(key -> true, expected);
    return read;
  }

  private void read(Function<String, Boolean> allowed, String expected) {
    if (!(node instanceof MappingNode mapping)) {
      throw error(node, "%s: not a mapping (expected: %s)".formatted(what, expected));
    }
    for (NodeTuple tuple : mapping.getValue()) {
      String key = scalar(what, tuple.getKeyNode());
      if (!allowed.apply(key)) {
        throw error(
            tuple.getKeyNode(),
            "%s: unknown field %s (expected: %s)".formatted(what, key, expected));
      }
      if (fields.put(key, tuple.getValueNode()) != null) {
        throw error(tuple.getKeyNode(), "%s: field %s stands twice".formatted(what, key));
      }
    }
  }

  Map<String, Node> nodes() {
    return fields;
  }

  boolean has(String field) {
    return fields.containsKey(field);
  }

  Node require(String field) {
    Node value = fields.get(field);
    if (value == null) {
      throw error(node, "%s: field %s is missing".formatted(what, field));
    }
    return value;
  }

  String text(String field) {
    return scalar(field, require(field));
  }

  double real(String field) {
    return number(field, Double::parseDouble, "a number");
  }

  double real(String field, double otherwise) {
    return has(field) ? real(field) : otherwise;
  }

  int whole(String field) {
    return number(field, Integer::parseInt, "a whole number");
  }

  int whole(String field, int otherwise) {
    return has(field) ? whole(field) : otherwise;
  }

  long large(String field, long otherwise) {
    return has(field) ? number(field, Long::parseLong, "a whole number") : otherwise;
  }

  boolean truth(String field, boolean otherwise) {
    if (!has(field)) {
      return otherwise;
    }
    String text = text(field);
    if (!text.equals("true") && !text.equals("false")) {
      throw error(require(field), "%s: %s (expected: true, false)".formatted(field, text));
    }
    return text.equals("true");
  }

  /** A list of single values; empty where there is none. */
  List<String> texts(String field) {
    if (!has(field)) {
      return List.of();
    }
    if (!(require(field) instanceof SequenceNode list)) {
      throw error(require(field), field + ": not a list");
    }
    return list.getValue().stream().map(item -> scalar(field, item)).toList();
  }

  /** Numbers by name. */
  Map<String, Double> reals(String field) {
    Map<String, Double> values = new LinkedHashMap<>();
    if (has(field)) {
      YamlFields named = named(file, field, require(field), "name: value");
      named.fields.keySet().forEach(name -> values.put(name, named.real(name)));
    }
    return values;
  }

  <E extends Enum<E>> E choice(String field, E otherwise, List<E> allowed) {
    if (!has(field)) {
      return otherwise;
    }
    String text = text(field);
    for (E value : allowed) {
      if (spelled(value).equals(text)) {
        return value;
      }
    }
    throw error(
        require(field),
        "%s: %s (expected: %s)"
            .formatted(
                field,
                text,
                String.join(", ", allowed.stream().map(YamlFields::spelled).toList())));
  }

  /** {@code MIN_MAX} is written {@code minMax}. */
  static String spelled(Enum<?> value) {
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
  <T> T checked(Supplier<T> make) {
    try {
      return make.get();
    } catch (IllegalArgumentException e) {
      throw error(node, String.valueOf(e.getMessage()));
    }
  }

  /** A refusal of the mapping as a whole. */
  IllegalArgumentException error(String message) {
    return error(node, message);
  }

  IllegalArgumentException error(Node at, String message) {
    return new IllegalArgumentException(
        "%s, line %d: %s".formatted(file, at.getStartMark().getLine() + 1, message));
  }

  private <N> N number(String field, Function<String, N> parse, String expected) {
    String text = text(field);
    try {
      return parse.apply(text);
    } catch (NumberFormatException e) {
      throw error(require(field), "%s: %s (expected: %s)".formatted(field, text, expected));
    }
  }

  private String scalar(String field, Node value) {
    if (!(value instanceof ScalarNode scalar)) {
      throw error(value, field + ": not a single value");
    }
    return scalar.getValue();
  }
}
