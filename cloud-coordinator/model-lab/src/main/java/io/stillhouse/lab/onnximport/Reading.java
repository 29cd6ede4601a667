package io.stillhouse.lab.onnximport;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is known of a file's tensors while its nodes are read in order. Not thread-safe. */
final class Reading {
  private final GraphAssembly graph;
  private final int batch;
  private final Map<String, Integer> readers;
  private final Map<String, ConstantTensor> constants = new HashMap<>();
  private final Map<String, FeatureMap> maps = new HashMap<>();

  /**
   * Begins with nothing known.
   *
   * @param batch images of one run, as the file says; 1 where it leaves them open
   * @param readers how many inputs read each tensor
   */
  Reading(GraphAssembly graph, int batch, Map<String, Integer> readers) {
    this.graph = graph;
    this.batch = batch;
    this.readers = readers;
  }

  GraphAssembly graph() {
    return graph;
  }

  int batch() {
    return batch;
  }

  void set(String tensor, ConstantTensor value) {
    constants.put(tensor, value);
  }

  void set(String tensor, FeatureMap value) {
    maps.put(tensor, value);
  }

  /** Whether nothing else reads the tensor, so that its node may become part of its reader. */
  boolean alone(String tensor) {
    return readers.getOrDefault(tensor, 0) == 1;
  }

  boolean constant(String tensor) {
    return constants.containsKey(tensor);
  }

  /** The numbers of an input that has to be known. */
  ConstantTensor numbers(Operation op, int input) {
    ConstantTensor found = constants.get(op.input(input));
    if (found == null) {
      throw new IllegalArgumentException(
          "input %d, %s, is computed (expected: numbers in the file)"
              .formatted(input, op.input(input)));
    }
    return found;
  }

  Optional<ConstantTensor> optional(Operation op, int input) {
    return op.has(input) ? Optional.of(numbers(op, input)) : Optional.empty();
  }

  /** An input that depends on the image, in any form. */
  FeatureMap any(Operation op, int input) {
    FeatureMap found = maps.get(op.input(input));
    if (found == null) {
      throw new IllegalArgumentException(
          constant(op.input(input))
              ? "input %d, %s, is constant (expected: what the image became)"
                  .formatted(input, op.input(input))
              : "input %d, %s, comes from nowhere".formatted(input, op.input(input)));
    }
    return found;
  }

  /** An input as it is in the graph: a whole map or a vector. */
  FeatureMap map(Operation op, int input) {
    FeatureMap found = any(op, input);
    if (found.form() instanceof FeatureMap.Form.Whole
        || found.form() instanceof FeatureMap.Form.Flat) {
      return found;
    }
    throw new IllegalArgumentException(
        "it reads %s, which is no layer's result by itself (%s)"
            .formatted(op.input(input), spelled(found.form())));
  }

  /** An input as a map with height and width. */
  FeatureMap whole(Operation op, int input) {
    FeatureMap found = map(op, input);
    if (found.form() instanceof FeatureMap.Form.Flat) {
      throw new IllegalArgumentException(
          "it reads a vector (expected: batch, channels, height, width)");
    }
    return found;
  }

  /** What the network gives: logits, or what its probabilities are made of. */
  FeatureMap result(String tensor) {
    FeatureMap found = maps.get(tensor);
    if (found == null) {
      throw new IllegalArgumentException(
          "output %s does not depend on the image".formatted(tensor));
    }
    FeatureMap logits =
        found.form() instanceof FeatureMap.Form.Probabilities probabilities
            ? found.in(probabilities.of())
            : found;
    boolean plain =
        logits.form() instanceof FeatureMap.Form.Whole
            || logits.form() instanceof FeatureMap.Form.Flat;
    if (!plain || found.shape().height() * found.shape().width() != 1) {
      throw new IllegalArgumentException(
          "output %s is %s (expected: one number per class)".formatted(tensor, found.shape()));
    }
    return logits;
  }

  private static String spelled(FeatureMap.Form form) {
    if (form instanceof FeatureMap.Form.Split) {
      return "part of a channel shuffle";
    }
    if (form instanceof FeatureMap.Form.Padded) {
      return "padding that no convolution takes over";
    }
    if (form instanceof FeatureMap.Form.Probabilities) {
      return "probabilities, which only the end may be";
    }
    return "part of a hard swish";
  }

  /** All inputs that are given, when all of them are known numbers. */
  Optional<List<ConstantTensor>> allNumbers(Operation op) {
    List<ConstantTensor> all = new ArrayList<>();
    for (int i = 0; i < op.inputs().size(); i++) {
      if (!op.has(i)) {
        continue;
      }
      ConstantTensor value = constants.get(op.input(i));
      if (value == null) {
        return Optional.empty();
      }
      all.add(value);
    }
    return Optional.of(all);
  }
}
