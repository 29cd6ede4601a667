package io.stillhouse.lab.teacher;

import io.stillhouse.model.recipe.Arithmetic;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Where a training shall differ from what suits its data; what is empty is left as it is.
 *
 * @param seed of initial weights, order and augmentation
 */
public record PlanOverrides(
    OptionalInt epochs,
    DescentOverrides descent,
    RegularisationOverrides regularisation,
    long seed) {

  /** The same for {@link TrainingPlan.Descent}. */
  public record DescentOverrides(
      OptionalInt batch, OptionalDouble learningRate, Optional<Arithmetic> arithmetic) {
    private static final DescentOverrides NONE =
        new DescentOverrides(OptionalInt.empty(), OptionalDouble.empty(), Optional.empty());

    TrainingPlan.Descent over(TrainingPlan.Descent usual) {
      return new TrainingPlan.Descent(
          batch.orElse(usual.batch()),
          learningRate.orElse(usual.learningRate()),
          arithmetic.orElse(usual.arithmetic()));
    }
  }

  /** The same for {@link TrainingPlan.Regularisation}. */
  public record RegularisationOverrides(
      OptionalDouble weightDecay, OptionalDouble labelSmoothing, ViewsOverrides views) {
    private static final RegularisationOverrides NONE =
        new RegularisationOverrides(
            OptionalDouble.empty(), OptionalDouble.empty(), ViewsOverrides.NONE);

    TrainingPlan.Regularisation over(TrainingPlan.Regularisation usual) {
      return new TrainingPlan.Regularisation(
          weightDecay.orElse(usual.weightDecay()),
          labelSmoothing.orElse(usual.labelSmoothing()),
          views.over(usual.views()),
          usual.distillation());
    }
  }

  /** The same for {@link TrainingPlan.Views}. */
  public record ViewsOverrides(
      OptionalInt cropPadding, Optional<Boolean> flip, OptionalInt cutout) {
    private static final ViewsOverrides NONE =
        new ViewsOverrides(OptionalInt.empty(), Optional.empty(), OptionalInt.empty());

    TrainingPlan.Views over(TrainingPlan.Views usual) {
      return new TrainingPlan.Views(
          cropPadding.orElse(usual.cropPadding()),
          flip.orElse(usual.flip()),
          cutout.orElse(usual.cutout()));
    }
  }

  /** Everything as suits the data, with this seed. */
  public static PlanOverrides none(long seed) {
    return new PlanOverrides(
        OptionalInt.empty(), DescentOverrides.NONE, RegularisationOverrides.NONE, seed);
  }

  /**
   * The usual plan with these differences.
   *
   * @throws IllegalArgumentException when a value makes no sense; its message is one line
   */
  public TrainingPlan over(TrainingPlan usual) {
    return new TrainingPlan(
        epochs.orElse(usual.epochs()),
        descent.over(usual.descent()),
        regularisation.over(usual.regularisation()),
        seed);
  }
}
