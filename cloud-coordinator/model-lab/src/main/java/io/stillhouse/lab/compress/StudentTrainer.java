package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.teacher.TrainingPlan;
import java.util.List;

/**
 * Trains a network on the logits of a teacher, over data that the implementation holds. Equal
 * arguments give equal weights on the same kind of machine.
 */
public interface StudentTrainer {
  Network train(Network start, Network teacher, TrainingPlan plan, Progress progress);

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
