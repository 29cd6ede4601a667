package io.stillhouse.model.recipe;

import java.util.List;

/**
 * What a student learns from a teacher: loss = hardLossWeight * cross-entropy + softLossWeight *
 * soft loss + featureWeight * feature loss.
 *
 * @param method which soft and feature loss
 * @param temperature T by which logits are divided in the soft loss, which is multiplied by T^2
 * @param methodWeight the method's own weight: beta of {@link Method#DECOUPLED}, the feature weight
 *     of the others; without meaning for {@link Method#LOGITS}
 * @param teachers folders of further teachers; logits of all are averaged
 */
public record Lesson(
    Method method,
    double temperature,
    double softLossWeight,
    double methodWeight,
    List<String> teachers) {
  /** More teachers than this say the same again. */
  public static final int TEACHERS_MAX = 8;

  public Lesson {
    teachers = List.copyOf(teachers);
    Expected.that(
        temperature > 0 && temperature <= 100, "temperature", temperature, "0 < T <= 100");
    Expected.that(
        softLossWeight >= 0 && softLossWeight <= 1, "softLossWeight", softLossWeight, "0 to 1");
    Expected.that(
        methodWeight >= 0 && methodWeight <= 1e6, "methodWeight", methodWeight, "0 to 1000000");
    Expected.that(
        teachers.size() < TEACHERS_MAX, "teachers", teachers.size(), "up to " + (TEACHERS_MAX - 1));
    Expected.that(
        teachers.isEmpty() || !(method.looksInside() || method == Method.MUTUAL),
        "teachers",
        teachers.size(),
        "none with hints, attention and relational, which look inside one teacher, nor with mutual,"
            + " which follows a peer");
  }

  /** Whether anything is learnt from anybody but the labels. */
  public boolean follows() {
    return softLossWeight > 0 || method.looksInside();
  }

  /** Of the cross-entropy. Peers know no more than the labels, so these count in full. */
  public double hardLossWeight() {
    return method == Method.MUTUAL ? 1 : 1 - softLossWeight;
  }

  /** Logit distillation. */
  public static Lesson logits(double temperature, double softLossWeight) {
    return new Lesson(Method.LOGITS, temperature, softLossWeight, 0, List.of());
  }

  /** Ways to learn. */
  public enum Method {
    /** Divergence of softened outputs (Hinton et al. 2015). */
    LOGITS(0, false),
    /** The same in two parts, target and others, weighed apart (Zhao et al. 2022). */
    DECOUPLED(8, false),
    /** Feature maps through a learned projection (Romero et al. 2015). */
    HINTS(100, true),
    /** Where maps are strong (Zagoruyko and Komodakis 2017). */
    ATTENTION(1000, true),
    /** Distances and angles between examples (Park et al. 2019). */
    RELATIONAL(1, true),
    /**
     * No teacher: a peer of the same shape with other initial weights learns at the same time, and
     * each follows what the other says now (Zhang et al. 2018).
     */
    MUTUAL(0, false);

    private final double usualWeight;
    private final boolean inside;

    Method(double usualWeight, boolean inside) {
      this.usualWeight = usualWeight;
      this.inside = inside;
    }

    /** The weight of the published experiments. */
    public double usualWeight() {
      return usualWeight;
    }

    /** True of methods that compare more than logits. */
    public boolean looksInside() {
      return inside;
    }

    /** True of methods that compare feature maps, which must have sizes in common. */
    public boolean comparesMaps() {
      return this == HINTS || this == ATTENTION;
    }
  }
}
