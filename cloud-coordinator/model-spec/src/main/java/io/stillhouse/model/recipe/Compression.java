package io.stillhouse.model.recipe;

import io.stillhouse.model.Precision;
import io.stillhouse.model.network.NetworkCatalog;
import java.util.function.Function;

/**
 * One way to make a teacher smaller. Construction refuses values that make no sense, with the
 * field, its value and what was expected.
 */
public sealed interface Compression {

  /** Most epochs that one step may train. */
  int EPOCHS_MAX = 1_000;

  /**
   * Trains a smaller network on the teacher's outputs (Hinton et al. 2015): loss = softLossWeight *
   * T^2 * KL(teacher, student at temperature T) + (1 - softLossWeight) * cross-entropy.
   *
   * @param student a name of {@link NetworkCatalog}
   * @param width its width
   */
  record Distill(
      String student, double width, double temperature, double softLossWeight, int epochs)
      implements Compression {
    public Distill {
      NetworkCatalog.entry(student);
      require(width > 0 && width <= NetworkCatalog.WIDTH_MAX, "width", width, "0 < width <= 8");
      require(temperature > 0 && temperature <= 100, "temperature", temperature, "0 < T <= 100");
      require(
          softLossWeight >= 0 && softLossWeight <= 1, "softLossWeight", softLossWeight, "0 to 1");
      require(epochs >= 1 && epochs <= EPOCHS_MAX, "epochs", epochs, "1 to " + EPOCHS_MAX);
    }
  }

  /**
   * Removes whole channels, then trains on.
   *
   * @param ratio share of the channels of each group that goes, before rounding
   * @param roundTo channels that stay are a multiple of this; 1 for no rounding
   * @param epochs training after the removal; 0 for none
   */
  record Prune(double ratio, Importance importance, int roundTo, int epochs)
      implements Compression {
    public Prune {
      require(ratio >= 0 && ratio < 1, "ratio", ratio, "0 <= ratio < 1");
      require(roundTo >= 1 && roundTo <= 64, "roundTo", roundTo, "1 to 64");
      require(epochs >= 0 && epochs <= EPOCHS_MAX, "epochs", epochs, "0 to " + EPOCHS_MAX);
    }
  }

  /** Which channels matter least. */
  enum Importance {
    /** Sum of the absolute weights that make a channel, after batch normalisation is folded in. */
    L1
  }

  /** Post-training quantization: weights and activations become 8-bit numbers. */
  record Quantize(Precision precision, Calibration calibration) implements Compression {
    public Quantize {
      require(precision == Precision.INT8, "precision", precision, "int8");
    }
  }

  /** How the range of an activation is chosen from what calibration images show. */
  enum Calibration {
    MIN_MAX,
    /** Cuts the rarest 0.1 % of values at each end. */
    PERCENTILE
  }

  /** Exhaustive by construction: a new case changes this signature, so every caller must decide. */
  default <R> R match(
      Function<Distill, R> distill, Function<Prune, R> prune, Function<Quantize, R> quantize) {
    if (this instanceof Distill c) {
      return distill.apply(c);
    }
    if (this instanceof Prune c) {
      return prune.apply(c);
    }
    if (this instanceof Quantize c) {
      return quantize.apply(c);
    }
    throw new AssertionError("unreachable: " + this);
  }

  private static void require(boolean holds, String field, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (expected: %s)".formatted(field, value, expected));
    }
  }
}
