package io.stillhouse.lab;

import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.teacher.Trainer;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.teacher.TrainingTask;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Trains students over one data set. Each training has a folder of checkpoints of its own, named by
 * what is learnt, so that a run of several trainings goes on in the one in which it stopped and
 * takes over the finished ones.
 */
final class CheckpointedTrainer implements StudentTrainer {
  private static final int NAME_CHARACTERS = 16;

  private final Trainer trainer;
  private final Dataset data;
  private final Preprocessing preprocessing;
  private final Path checkpoints;

  CheckpointedTrainer(
      Trainer trainer, Dataset data, Preprocessing preprocessing, Path checkpoints) {
    this.trainer = trainer;
    this.data = data;
    this.preprocessing = preprocessing;
    this.checkpoints = checkpoints;
  }

  @Override
  public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
    TrainingTask task = new TrainingTask(start, data, preprocessing, plan, Optional.of(teacher));
    Path folder = checkpoints.resolve(task.fingerprint().substring(0, NAME_CHARACTERS));
    return trainer.train(task, Optional.of(folder), progress);
  }
}
