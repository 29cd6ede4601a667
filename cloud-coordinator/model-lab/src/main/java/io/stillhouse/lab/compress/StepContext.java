package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.Optional;

/**
 * What every step of a recipe works with.
 *
 * @param data without the images that are held out
 * @param held training images that an accuracy budget is judged by, and that no step trains on or
 *     calibrates with; empty until there is a budget
 */
record StepContext(
    StudentTrainer trainer,
    Dataset data,
    StoredModel teacher,
    Habits habits,
    Optional<Images> held) {
  /** Most training images that are held out: one of them is a twentieth of a point. */
  static final int HELD_OUT_MAX = 2_048;

  /** Of a small training set, at most this share is held out. */
  static final double HELD_OUT_SHARE = 0.2;

  /** Learning rate of training after a change, as a share of that of training from nothing. */
  private static final double FINE_TUNE_RATE = 0.25;

  /** The same where normalisation is folded in, and nothing keeps the scale of weights in check. */
  static final double FOLDED_RATE = 0.02;

  /**
   * What all trainings of a recipe have in common.
   *
   * @param seed of everything random
   */
  record Habits(long seed, Arithmetic arithmetic) {}

  /** With all training images for training, in single precision. */
  StepContext(StudentTrainer trainer, Dataset data, StoredModel teacher, long seed) {
    this(trainer, data, teacher, new Habits(seed, Arithmetic.FP32), Optional.empty());
  }

  long seed() {
    return habits.seed();
  }

  /** The same, whose training computes with other numbers. */
  StepContext computingIn(Arithmetic arithmetic) {
    return new StepContext(trainer, data, teacher, new Habits(seed(), arithmetic), held);
  }

  /** The same on other data, with a trainer of its own. */
  StepContext on(Dataset other) {
    return new StepContext(trainer.on(other), other, teacher, habits, held);
  }

  /** The same with some training images held out, if none are yet. */
  StepContext holdingOut() {
    if (held.isPresent()) {
      return this;
    }
    int share = (int) (HELD_OUT_SHARE * data.train().count());
    Dataset.Parted parts = data.holdOut(Math.max(1, Math.min(HELD_OUT_MAX, share)), seed());
    return new StepContext(
        trainer.on(parts.rest()), parts.rest(), teacher, habits, Optional.of(parts.held()));
  }

  /** What an accuracy budget is judged by. */
  Validation budget() {
    return held.map(images -> new Validation(images, HELD_OUT_MAX, teacher.preprocessing()))
        .orElseThrow(() -> new IllegalStateException("no images are held out"));
  }

  /** A training as suits this data, for so many epochs. */
  TrainingPlan plan(int epochs) {
    return TrainingPlan.usual(data.origin().kind(), data.shape(), data.train().count(), seed())
        .withEpochs(epochs)
        .withArithmetic(habits.arithmetic());
  }

  /** Trains on after a change; zero epochs change nothing. */
  Network fineTune(Network network, int epochs, Progress progress) {
    return fineTune(network, epochs, FINE_TUNE_RATE, progress);
  }

  /** As above, at a share of the rate of training from nothing. */
  Network fineTune(Network network, int epochs, double rateShare, Progress progress) {
    if (epochs == 0) {
      return network;
    }
    TrainingPlan usual = plan(epochs);
    return trainer.train(
        network,
        teacher.network(),
        usual.withLearningRate(rateShare * usual.learningRate()),
        progress);
  }
}
