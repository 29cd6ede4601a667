package io.stillhouse.model.recipe;

import java.util.List;

/**
 * Compression steps in the order they are applied, and the seed of everything random in them. Equal
 * recipes on equal teachers and data give equal students on the same kind of machine.
 *
 * <p>Distillation, if any, stands first, because it replaces the network; quantization, if any,
 * stands last, because nothing can be trained after it.
 */
public record CompressionRecipe(long seed, List<Compression> steps) {
  /** Most steps of one recipe. */
  public static final int STEPS_MAX = 32;

  public CompressionRecipe {
    steps = List.copyOf(steps);
    if (steps.isEmpty() || steps.size() > STEPS_MAX) {
      throw new IllegalArgumentException(
          "steps: %d (expected: 1 to %d)".formatted(steps.size(), STEPS_MAX));
    }
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof Compression.Distill && i > 0) {
        throw new IllegalArgumentException(
            "steps: distill stands at place %d (expected: first, because it replaces the network)"
                .formatted(i + 1));
      }
      if (steps.get(i) instanceof Compression.Quantize && i < steps.size() - 1) {
        throw new IllegalArgumentException(
            "steps: quantize stands at place %d (expected: last, because int8 weights are not trained on)"
                .formatted(i + 1));
      }
    }
  }
}
