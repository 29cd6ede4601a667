package io.stillhouse.lab.teacher;

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
    OptionalInt batch,
    OptionalDouble learningRate,
    RegularisationOverrides regularisation,
    long seed) {

  /** The same for {@link TrainingPlan.Regularisation}. */
  public record RegularisationOverrides(
      OptionalDouble weightDecay,
      OptionalDouble labelSmoothing,
      OptionalInt cropPadding,
      Optional<Boolean> flip) {
    private static final RegularisationOverrides NONE =
        new RegularisationOverrides(
            OptionalDouble.empty(), OptionalDouble.empty(), OptionalInt.empty(), Optional.empty());

    TrainingPlan.Regularisation over(TrainingPlan.Regularisation usual) {
      return new TrainingPlan.Regularisation(
          weightDecay.orElse(usual.weightDecay()),
          labelSmoothing.orElse(usual.labelSmoothing()),
          cropPadding.orElse(usual.cropPadding()),
          flip.orElse(usual.flip()),
          usual.distillation());
    }
  }

  /** Everything as suits the data, with this seed. */
  public static PlanOverrides none(long seed) {
    return new PlanOverrides(
        OptionalInt.empty(),
        OptionalInt.empty(),
        OptionalDouble.empty(),
        RegularisationOverrides.NONE,
        seed);
  }

  /**
   * The usual plan with these differences.
   *
   * @throws IllegalArgumentException when a value makes no sense; its message is one line
   */
  public TrainingPlan over(TrainingPlan usual) {
    return new TrainingPlan(
        epochs.orElse(usual.epochs()),
        batch.orElse(usual.batch()),
        learningRate.orElse(usual.learningRate()),
        regularisation.over(usual.regularisation()),
        seed);
  }
}
