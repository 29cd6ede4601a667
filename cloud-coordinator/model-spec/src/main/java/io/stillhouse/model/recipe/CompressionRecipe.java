package io.stillhouse.model.recipe;

import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.List;
import java.util.Optional;

/**
 * Compression steps in the order they are applied, the seed of everything random in them and what
 * their training computes with. Equal recipes on equal teachers and data give equal students on the
 * same kind of machine.
 *
 * <p>Any order is taken in which no step undoes an earlier one:
 *
 * <ul>
 *   <li>{@code distill} is first: it replaces the network;
 *   <li>{@code redesign} comes before {@code lowRank} (a factor is no design of its own) and before
 *       {@code sparsify} (new weights have no zeros);
 *   <li>{@code prune} comes before {@code lowRank} (ranks are not channels) and before {@code
 *       sparsify} (what is left of a channel says nothing about it);
 *   <li>{@code lowRank} comes before {@code sparsify}: a product of factors fills the zeros;
 *   <li>no step after {@code cluster} trains or equalises: weights would leave the palette;
 *   <li>{@code quantize} is last: its weights are not trained on.
 * </ul>
 *
 * @param arithmetic of all training but that with rounding, whose sums must be the runtime's own
 */
public record CompressionRecipe(long seed, Arithmetic arithmetic, List<Compression> steps) {
  /** Most steps of one recipe. */
  public static final int STEPS_MAX = 32;

  public CompressionRecipe {
    steps = List.copyOf(steps);
    if (steps.isEmpty() || steps.size() > STEPS_MAX) {
      throw new IllegalArgumentException(
          "steps: %d (expected: 1 to %d)".formatted(steps.size(), STEPS_MAX));
    }
    misplaced(steps)
        .ifPresent(
            step -> {
              throw new IllegalArgumentException(step.message());
            });
  }

  /** Trained in single precision. */
  public CompressionRecipe(long seed, List<Compression> steps) {
    this(seed, Arithmetic.FP32, steps);
  }

  /** Other steps, for the same training. */
  public CompressionRecipe withSteps(List<Compression> others) {
    return new CompressionRecipe(seed, arithmetic, others);
  }

  /**
   * A step that must not stand where it stands.
   *
   * @param place of the step, from 1
   * @param message what stands where, and what is expected instead
   */
  public record Misplaced(int place, String message) {}

  /** The first step in the wrong place, so that whoever read the steps can say where that is. */
  public static Optional<Misplaced> misplaced(List<Compression> steps) {
    for (int i = 0; i < steps.size(); i++) {
      int place = i + 1;
      Optional<String> objection =
          objection(steps.get(i), steps.subList(0, i), steps.size() - place);
      if (objection.isPresent()) {
        return Optional.of(
            new Misplaced(
                place,
                "steps: %s stands at place %d%s"
                    .formatted(name(steps.get(i)), place, objection.get())));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> objection(Compression step, List<Compression> before, int after) {
    if (step instanceof Compression.Distill && !before.isEmpty()) {
      return Optional.of(" (expected: first, because it replaces the network)");
    }
    if (step instanceof Quantize && after > 0) {
      return Optional.of(" (expected: last, because int8 weights are not trained on)");
    }
    for (Compression earlier : before) {
      Optional<String> undone = undoes(step, earlier);
      if (undone.isPresent()) {
        return Optional.of(
            ", after %s (expected: before it, because %s)".formatted(name(earlier), undone.get()));
      }
    }
    return Optional.empty();
  }

  /** Why a step must not follow an earlier one. */
  private static Optional<String> undoes(Compression step, Compression earlier) {
    boolean cuts = step instanceof Compression.Prune;
    boolean factorises = step instanceof Compression.LowRank;
    if (step instanceof Compression.Redesign) {
      if (earlier instanceof Compression.LowRank) {
        return Optional.of("a factor is no design of its own");
      }
      if (earlier instanceof Compression.Sparsify) {
        return Optional.of("new weights have no zeros");
      }
    }
    if (cuts && earlier instanceof Compression.LowRank) {
      return Optional.of("ranks are not channels");
    }
    if (cuts && earlier instanceof Compression.Sparsify) {
      return Optional.of("what is left of a channel says nothing about it");
    }
    if (factorises && earlier instanceof Compression.Sparsify) {
      return Optional.of("a product of factors fills the zeros");
    }
    if (earlier instanceof Compression.Cluster && !(step instanceof Quantize)) {
      return Optional.of("weights would leave the palette");
    }
    if (earlier instanceof Compression.Cluster && step instanceof Quantize quantize) {
      if (quantize.precision() == Precision.FP16) {
        return Optional.of("a palette is smaller than fp16 already");
      }
      if (quantize.mode().trains()) {
        return Optional.of("qat trains, and weights would leave the palette");
      }
      if (quantize.repairs().equalise()) {
        return Optional.of("equalise gives every channel a scale, and weights leave the palette");
      }
    }
    return Optional.empty();
  }

  private static String name(Compression step) {
    String type = step.getClass().getSimpleName();
    return Character.toLowerCase(type.charAt(0)) + type.substring(1);
  }
}
