package io.stillhouse.model.recipe;

import io.stillhouse.model.Precision;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.redesign.DesignStrategy;
import java.util.Optional;
import java.util.function.Function;

/**
 * One way to make a teacher smaller. Construction refuses values that make no sense, with the
 * field, its value and what was expected.
 */
public sealed interface Compression {

  /** Most epochs that one step may train. */
  int EPOCHS_MAX = 1_000;

  /**
   * Trains a network on what a teacher says.
   *
   * @param student a name of {@link NetworkCatalog}, or {@value #SAME} for the teacher's own shape
   *     with new weights (Furlanello et al. 2018)
   * @param width its width
   * @param lesson what is learnt from the teacher
   * @param unlabelled folder of pictures without labels that take the place of the training images;
   *     all is then learnt from the teacher (Hinton et al. 2015)
   */
  record Distill(
      String student, double width, Lesson lesson, Optional<String> unlabelled, int epochs)
      implements Compression {
    /** The student that has the teacher's shape. */
    public static final String SAME = "same";

    public Distill {
      if (student.equals(SAME)) {
        Expected.that(width == 1, "width", width, "1 for a student of the teacher's shape");
      } else {
        NetworkCatalog.entry(student);
      }
      Expected.that(
          width > 0 && width <= NetworkCatalog.WIDTH_MAX, "width", width, "0 < width <= 8");
      Expected.that(epochs >= 1 && epochs <= EPOCHS_MAX, "epochs", epochs, "1 to " + EPOCHS_MAX);
      Expected.that(
          unlabelled.isEmpty()
              || (lesson.softLossWeight() == 1
                  && lesson.method() != Lesson.Method.MUTUAL
                  && lesson.method() != Lesson.Method.DECOUPLED),
          "unlabelled",
          unlabelled.orElse(""),
          "with softLossWeight: 1, and not with mutual or decoupled, which need labels");
    }

    /** On the training images. */
    public Distill(String student, double width, Lesson lesson, int epochs) {
      this(student, width, lesson, Optional.empty(), epochs);
    }

    /** From logits alone. */
    public Distill(
        String student, double width, double temperature, double softLossWeight, int epochs) {
      this(student, width, Lesson.logits(temperature, softLossWeight), epochs);
    }

    public double temperature() {
      return lesson.temperature();
    }

    public double softLossWeight() {
      return lesson.softLossWeight();
    }
  }

  /**
   * Puts lighter designs in place of layers, with new weights, and trains the whole.
   *
   * @param strategy what becomes of which layers; a width keeps the strongest channels instead
   * @param epochs training after the change; at least 1, because new weights know nothing
   */
  record Redesign(DesignStrategy strategy, int epochs) implements Compression {
    public Redesign {
      Expected.that(epochs >= 1 && epochs <= EPOCHS_MAX, "epochs", epochs, "1 to " + EPOCHS_MAX);
    }
  }

  /**
   * Removes whole channels, then trains on.
   *
   * @param ratio share of the channels that goes, before rounding
   * @param roundTo channels that stay are a multiple of this; 1 for no rounding
   * @param epochs training after the removal, over all rounds; 0 for none
   * @param selection how the removal is divided
   */
  record Prune(double ratio, Importance importance, int roundTo, int epochs, Selection selection)
      implements Compression {
    public Prune {
      Expected.that(ratio >= 0 && ratio < 1, "ratio", ratio, "0 <= ratio < 1");
      Expected.that(roundTo >= 1 && roundTo <= 64, "roundTo", roundTo, "1 to 64");
      Expected.that(epochs >= 0 && epochs <= EPOCHS_MAX, "epochs", epochs, "0 to " + EPOCHS_MAX);
      Expected.that(
          selection.rounds() == 1 || epochs >= selection.rounds(),
          "rounds",
          selection.rounds(),
          "1, or at least one epoch for each of them");
    }

    /** The same share of every layer, at once. */
    public Prune(double ratio, Importance importance, int roundTo, int epochs) {
      this(ratio, importance, roundTo, epochs, Selection.EVEN);
    }
  }

  /**
   * Which channels matter least. Weights are those that are left when batch normalisation is folded
   * in, because normalisation makes the scale of a bare filter meaningless.
   */
  enum Importance {
    /** Sum of the absolute weights that make a channel (Li et al. 2017). */
    L1,
    /** Root of the sum of their squares. */
    L2,
    /** Absolute multiplier of the channel's batch normalisation (Liu et al. 2017). */
    BATCH_NORM_SCALE,
    /** Square of the loss's first-order change when the channel goes (Molchanov et al. 2019). */
    TAYLOR,
    /** Distance to the other filters: what they can replace goes first (He et al. 2019). */
    GEOMETRIC_MEDIAN,
    /** Chance, from the recipe's seed: what the others must beat. */
    RANDOM
  }

  /**
   * Replaces layers by products of smaller ones where that is cheaper, then trains on.
   *
   * @param epochs training after the replacement; 0 for none
   */
  record LowRank(Factorisation factorisation, int epochs) implements Compression {
    public LowRank {
      Expected.that(epochs >= 0 && epochs <= EPOCHS_MAX, "epochs", epochs, "0 to " + EPOCHS_MAX);
    }
  }

  /**
   * Holds single weights at zero: for size on the wire alone, since kernels multiply zeros as fast
   * as anything else.
   *
   * @param sparsity which weights
   * @param epochs training of the rest; 0 for none
   */
  record Sparsify(Sparsity sparsity, int epochs) implements Compression {
    public Sparsify {
      Expected.that(epochs >= 0 && epochs <= EPOCHS_MAX, "epochs", epochs, "0 to " + EPOCHS_MAX);
    }
  }

  /**
   * Shares few values among the weights of each layer, by k-means; the file then holds a palette
   * and places in it (Han et al. 2016).
   *
   * @param bits of a place: the palette has 2^bits values
   * @param epochs training of these values, the places held; 0 for none
   */
  record Cluster(int bits, int epochs) implements Compression {
    public Cluster {
      Expected.that(bits >= 2 && bits <= 8, "bits", bits, "2 to 8");
      Expected.that(epochs >= 0 && epochs <= EPOCHS_MAX, "epochs", epochs, "0 to " + EPOCHS_MAX);
    }
  }

  /**
   * Writes numbers with fewer bits: int8 for weights and activations, fp16 for storage alone.
   *
   * @param calibration how ranges of activations are chosen; int8 only
   * @param mode int8 only
   * @param epochs of training with rounding, where the mode trains; 0 otherwise
   * @param repairs what is done against loss of accuracy; int8 only
   */
  record Quantize(
      Precision precision, Calibration calibration, Mode mode, int epochs, Repairs repairs)
      implements Compression {
    public Quantize {
      Expected.that(precision != Precision.FP32, "precision", precision, "int8, fp16");
      Expected.that(
          mode.trains() ? epochs >= 1 && epochs <= EPOCHS_MAX : epochs == 0,
          "epochs",
          epochs,
          mode.trains() ? "1 to " + EPOCHS_MAX + " with qat" : "0 without qat");
      Expected.that(
          mode != Mode.QAT_LEARNED || repairs.accuracyDropMax() == 1,
          "accuracyDropMax",
          repairs.accuracyDropMax(),
          "none with qatLearned, since its repairs observe ranges anew");
      Expected.that(
          !mode.trains() || !repairs.correctBias(),
          "correctBias",
          repairs.correctBias(),
          "none with qat, whose training finds the biases");
      Expected.that(
          precision == Precision.INT8 || (mode == Mode.PTQ && repairs.equals(Repairs.NONE)),
          "precision",
          precision,
          "int8 for qat and repairs; fp16 is storage alone");
    }

    /** Post-training quantization as it comes. */
    public Quantize(Precision precision, Calibration calibration) {
      this(precision, calibration, Mode.PTQ, 0, Repairs.NONE);
    }

    /** When rounding is met. */
    public enum Mode {
      /** After training. */
      PTQ,
      /** In training, so that weights settle where rounding hurts least (Jacob et al. 2018). */
      QAT,
      /** In training, which moves the ranges of activations as well (Esser et al. 2020). */
      QAT_LEARNED;

      /** Whether training meets the rounding. */
      public boolean trains() {
        return this != PTQ;
      }
    }

    /**
     * Against loss of accuracy.
     *
     * @param equalise moves scale between neighbouring layers so that channels fill their ranges
     * @param correctBias takes the mean error that rounded weights cause out of the biases
     * @param accuracyDropMax most that may be lost on held-out training images, absolute; when more
     *     is lost, further repairs are tried and the layers that hurt most stay in float32. 1 for
     *     no bound
     */
    public record Repairs(boolean equalise, boolean correctBias, double accuracyDropMax) {
      public static final Repairs NONE = new Repairs(false, false, 1);

      public Repairs {
        Expected.that(
            accuracyDropMax >= 0 && accuracyDropMax <= 1,
            "accuracyDropMax",
            accuracyDropMax,
            "0 to 1");
      }
    }
  }

  /** How the range of an activation is chosen from what calibration images show. */
  enum Calibration {
    MIN_MAX,
    /** Cuts the rarest 0.1 % of values at each end. */
    PERCENTILE,
    /** Has the least squared error of rounding and cutting together. */
    MSE,
    /** Keeps most of the distribution's information: least Kullback-Leibler divergence. */
    ENTROPY
  }

  /** Exhaustive by construction: a new case changes this signature, so every caller must decide. */
  default <R> R match(
      Function<Distill, R> distill,
      Function<Redesign, R> redesign,
      Function<Prune, R> prune,
      Function<LowRank, R> lowRank,
      Function<Sparsify, R> sparsify,
      Function<Cluster, R> cluster,
      Function<Quantize, R> quantize) {
    if (this instanceof Distill c) {
      return distill.apply(c);
    }
    if (this instanceof Redesign c) {
      return redesign.apply(c);
    }
    if (this instanceof Prune c) {
      return prune.apply(c);
    }
    if (this instanceof LowRank c) {
      return lowRank.apply(c);
    }
    if (this instanceof Sparsify c) {
      return sparsify.apply(c);
    }
    if (this instanceof Cluster c) {
      return cluster.apply(c);
    }
    if (this instanceof Quantize c) {
      return quantize.apply(c);
    }
    throw new AssertionError("unreachable: " + this);
  }
}
