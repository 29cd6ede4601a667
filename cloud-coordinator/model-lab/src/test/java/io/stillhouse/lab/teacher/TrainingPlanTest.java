package io.stillhouse.lab.teacher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.teacher.PlanOverrides.DescentOverrides;
import io.stillhouse.lab.teacher.PlanOverrides.RegularisationOverrides;
import io.stillhouse.lab.teacher.PlanOverrides.ViewsOverrides;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class TrainingPlanTest {
  private static final ImageShape SMALL = new ImageShape(3, 32, 32);
  private static final TrainingPlan.Views AS_THEY_ARE = new TrainingPlan.Views(0, false, 0);

  @Test
  void colour_pictures_get_what_is_usual_for_cifar() {
    TrainingPlan plan = TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 50_000, 3);
    assertThat(plan.epochs()).isEqualTo(30);
    assertThat(plan.batch()).isEqualTo(128);
    assertThat(plan.seed()).isEqualTo(3);
    assertThat(plan.regularisation().views().cropPadding()).isEqualTo(4);
    assertThat(plan.regularisation().views().flip()).isTrue();
    assertThat(plan.regularisation().weightDecay()).isEqualTo(5e-4);
    assertThat(TrainingPlan.usual(DataSpec.Kind.CIFAR, SMALL, 50_000, 3)).isEqualTo(plan);
  }

  @Test
  void digits_are_not_mirrored_and_few_images_are_shown_more_often_within_bounds() {
    TrainingPlan digits =
        TrainingPlan.usual(DataSpec.Kind.IDX, new ImageShape(1, 28, 28), 60_000, 1);
    assertThat(digits.regularisation().views().flip()).isFalse();
    assertThat(digits.regularisation().views().cropPadding()).isEqualTo(3);
    assertThat(digits.epochs()).isEqualTo(25);
    assertThat(TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 40, 1).epochs()).isEqualTo(200);
    assertThat(TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 2_000_000, 1).epochs())
        .isEqualTo(10);
  }

  @Test
  void what_is_given_replaces_what_is_usual_and_nothing_else() {
    TrainingPlan usual = TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 50_000, 3);
    assertThat(PlanOverrides.none(3).over(usual)).isEqualTo(usual);
    TrainingPlan other =
        new PlanOverrides(
                OptionalInt.of(5),
                new DescentOverrides(
                    OptionalInt.of(64), OptionalDouble.of(0.1), Optional.of(Arithmetic.BF16)),
                new RegularisationOverrides(
                    OptionalDouble.of(1e-4),
                    OptionalDouble.of(0.1),
                    new ViewsOverrides(OptionalInt.of(0), Optional.of(false), OptionalInt.of(8))),
                9)
            .over(usual);
    assertThat(other)
        .isEqualTo(
            new TrainingPlan(
                5,
                new TrainingPlan.Descent(64, 0.1, Arithmetic.BF16),
                new TrainingPlan.Regularisation(
                    1e-4,
                    0.1,
                    new TrainingPlan.Views(0, false, 8),
                    usual.regularisation().distillation()),
                9));
  }

  @Test
  void values_without_sense_are_refused_with_their_name() {
    TrainingPlan.Distillation soft = new TrainingPlan.Distillation(4, 0.9);
    assertThatThrownBy(() -> new TrainingPlan.Regularisation(Double.NaN, 0, AS_THEY_ARE, soft))
        .hasMessage("weightDecay: NaN (expected: 0 to 1)");
    assertThatThrownBy(() -> new TrainingPlan.Regularisation(0, 1, AS_THEY_ARE, soft))
        .hasMessageStartingWith("labelSmoothing: 1.0");
    assertThatThrownBy(() -> new TrainingPlan.Views(65, false, 0))
        .hasMessage("cropPadding: 65 (expected: 0 to 64)");
    assertThatThrownBy(() -> new TrainingPlan.Views(0, false, -1))
        .hasMessage("cutout: -1 (expected: 0 to 256)");
  }

  @Test
  void with_few_images_an_epoch_still_has_steps_enough_to_learn() {
    TrainingPlan few = TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 320, 1);
    assertThat(few.batch()).isEqualTo(16);
    assertThat(few.learningRate()).isEqualTo(0.025);
    TrainingPlan some = TrainingPlan.usual(DataSpec.Kind.IMAGES, SMALL, 2_000, 1);
    assertThat(some.batch()).isEqualTo(32);
    assertThat(some.learningRate()).isEqualTo(0.05);
    assertThat(TrainingPlan.usual(DataSpec.Kind.BUILTIN, SMALL, 10_000, 1))
        .isEqualTo(TrainingPlan.quick(15, 1));
  }
}
