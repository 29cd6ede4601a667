package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;

/** What every step of a recipe works with. */
record StepContext(StudentTrainer trainer, Dataset data, StoredModel teacher, long seed) {
  /** Learning rate of training after a change, as a share of that of training from nothing. */
  private static final double FINE_TUNE_RATE = 0.25;

  /** The same where normalisation is folded in, and nothing keeps the scale of weights in check. */
  static final double FOLDED_RATE = 0.02;

  /** A training as suits this data, for so many epochs. */
  TrainingPlan plan(int epochs) {
    return TrainingPlan.usual(data.origin().kind(), data.shape(), data.train().count(), seed)
        .withEpochs(epochs);
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
