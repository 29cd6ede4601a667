package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.teacher.TrainingPlan;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Trains a network on the logits of a teacher, over data that the implementation holds. Equal
 * arguments give equal weights on the same kind of machine.
 */
public interface StudentTrainer {
  /**
   * Trains on.
   *
   * @param teacher that is followed as the plan's lesson says; in mutual learning the peer as it
   *     starts, which learns as well
   */
  Network train(Network start, Network teacher, TrainingPlan plan, Progress progress);

  /** The same trainer on other data. An operation that not every trainer has. */
  default StudentTrainer on(Dataset other) {
    throw new LabException(
        "distillation", "this trainer has one data set", "Leave the unlabelled pictures out");
  }

  /**
   * Share of the test images that a network gets right as training sees it, with the rounding that
   * its marks ask for; empty for a trainer that cannot tell.
   */
  default OptionalDouble accuracy(Network network) {
    return OptionalDouble.empty();
  }

  /**
   * Gradients of the mean cross-entropy of some batches of training images, one set each, with
   * running statistics and without dropout or augmentation. An operation that not every trainer
   * has.
   */
  default List<Weights> gradients(Network network, int batches, Progress progress) {
    throw new LabException(
        "importance taylor", "this trainer gives no gradients", "Use another importance, e.g. l2");
  }
}
