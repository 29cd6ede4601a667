package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.teacher.Trainer;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.teacher.TrainingTask;
import io.stillhouse.lab.tensor.LabelledBatch;
import io.stillhouse.lab.tensor.LossGradients;
import io.stillhouse.lab.tensor.TensorRuntime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Trains students on one data set with the native engine. Each training has a folder of checkpoints
 * of its own, named by what is learnt, so that a run of several trainings goes on in the one in
 * which it stopped and takes over the finished ones. Used by one thread.
 */
public final class DataTrainer implements StudentTrainer {
  /** Images of a batch whose gradient is asked for. */
  static final int GRADIENT_BATCH = 64;

  private static final int NAME_CHARACTERS = 16;

  private final TensorRuntime runtime;
  private final Dataset data;
  private final Preprocessing preprocessing;
  private final Optional<Path> checkpoints;

  /**
   * A trainer on these images.
   *
   * @param checkpoints where unfinished training is kept and continued from, if anywhere
   */
  public DataTrainer(
      TensorRuntime runtime,
      Dataset data,
      Preprocessing preprocessing,
      Optional<Path> checkpoints) {
    this.runtime = runtime;
    this.data = data;
    this.preprocessing = preprocessing;
    this.checkpoints = checkpoints;
  }

  @Override
  public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
    TrainingTask task = new TrainingTask(start, data, preprocessing, plan, Optional.of(teacher));
    String name = task.fingerprint().substring(0, NAME_CHARACTERS);
    return new Trainer(runtime)
        .train(task, checkpoints.map(folder -> folder.resolve(name)), progress);
  }

  @Override
  public DataTrainer on(Dataset other) {
    return new DataTrainer(runtime, other, preprocessing, checkpoints);
  }

  @Override
  public OptionalDouble accuracy(Network network) {
    return OptionalDouble.of(new Trainer(runtime).accuracy(network, data.test(), preprocessing));
  }

  /** Images are spread evenly over the training set, so that one sorted by class is no trap. */
  @Override
  public List<Weights> gradients(Network network, int batches, Progress progress) {
    Images images = data.train();
    int each = Math.toIntExact(images.shape().elements());
    int wanted = Math.min(images.count(), batches * GRADIENT_BATCH);
    List<Weights> gradients = new ArrayList<>();
    for (int from = 0; from < wanted; from += GRADIENT_BATCH) {
      if (progress.cancelled()) {
        throw new CancelledException("gradients");
      }
      int count = Math.min(GRADIENT_BATCH, wanted - from);
      LabelledBatch batch = new LabelledBatch(count, each);
      for (int i = 0; i < count; i++) {
        // Neighbours of a batch come from far apart places of the set.
        long place =
            (long) i * ((wanted + GRADIENT_BATCH - 1) / GRADIENT_BATCH) + from / GRADIENT_BATCH;
        int image = (int) (place % wanted * images.count() / wanted);
        preprocessing.apply(images, image, batch.images(), i * each);
        batch.labels()[i] = images.label(image);
      }
      gradients.add(LossGradients.of(runtime, network, batch));
      progress.report("gradients", (double) (from + count) / wanted, "");
    }
    return gradients;
  }
}
