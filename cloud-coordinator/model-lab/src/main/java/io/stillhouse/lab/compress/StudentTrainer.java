package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.teacher.TrainingPlan;

/**
 * Trains a network on the logits of a teacher, over data that the implementation holds. Equal
 * arguments give equal weights on the same kind of machine.
 */
public interface StudentTrainer {
  Network train(Network start, Network teacher, TrainingPlan plan, Progress progress);
}
