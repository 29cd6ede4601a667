package io.stillhouse.lab.teacher;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.tensor.GraphRunner;
import io.stillhouse.lab.tensor.LabelledBatch;
import io.stillhouse.lab.tensor.TensorRuntime;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * Trains networks. What a step does depends on the plan's seed and the step's number alone, so a
 * training that was killed and continued gives, on one thread, the weights of one that was not.
 * Used by one thread.
 */
public final class Trainer {
  /** Steps between checkpoints inside a long epoch. */
  private static final int CHECKPOINT_STEPS = 500;

  private static final int INFERENCE_BATCH = 250;

  private final TensorRuntime runtime;

  public Trainer(TensorRuntime runtime) {
    this.runtime = runtime;
  }

  /** Trains without checkpoints. */
  public Network train(TrainingTask task, Progress progress) {
    return train(task, Optional.empty(), progress);
  }

  /**
   * Trains, from the latest checkpoint of the same task if there is one.
   *
   * @param checkpoints folder of this training alone
   * @throws CancelledException once cancelled, after a checkpoint was written
   * @throws io.stillhouse.lab.LabException when the loss diverges or memory runs out
   */
  public Network train(TrainingTask task, Optional<Path> checkpoints, Progress progress) {
    String fingerprint = Fingerprint.of(task);
    Optional<Checkpoint> earlier = checkpoints.flatMap(at -> Checkpoint.latest(at, fingerprint));
    try (Learners learners = new Learners(runtime, task, earlier)) {
      long from = earlier.map(Checkpoint::step).orElse(0L);
      Run run = new Run(task, learners, progress);
      for (long step = from; step < run.steps(); step++) {
        boolean due = step > from && (step % run.perEpoch() == 0 || step % CHECKPOINT_STEPS == 0);
        boolean cancelled = progress.cancelled();
        if (checkpoints.isPresent() && (due || (cancelled && step > from))) {
          learners.checkpoint(fingerprint, step).save(checkpoints.get());
        }
        if (cancelled) {
          throw new CancelledException(run.name());
        }
        run.step(step);
      }
      // So that what follows in a longer run does not begin by training again.
      checkpoints.ifPresent(at -> learners.checkpoint(fingerprint, run.steps()).save(at));
      return learners.student();
    }
  }

  /** Share of images whose largest logit is that of their label. */
  public double accuracy(Network network, Images images, Preprocessing preprocessing) {
    int each = Math.toIntExact(images.shape().elements());
    int classes = network.graph().classes();
    int correct = 0;
    try (GraphRunner runner = new GraphRunner(runtime, network)) {
      for (int from = 0; from < images.count(); from += INFERENCE_BATCH) {
        int count = Math.min(INFERENCE_BATCH, images.count() - from);
        float[] input = new float[count * each];
        for (int i = 0; i < count; i++) {
          preprocessing.apply(images, from + i, input, i * each);
        }
        float[] logits = runner.logits(input);
        for (int i = 0; i < count; i++) {
          int best = 0;
          for (int c = 1; c < classes; c++) {
            if (logits[i * classes + c] > logits[i * classes + best]) {
              best = c;
            }
          }
          correct += best == images.label(from + i) ? 1 : 0;
        }
      }
    }
    return (double) correct / images.count();
  }

  /** The steps of one training, in order. */
  private static final class Run {
    private final TrainingTask task;
    private final Learners learners;
    private final Progress progress;
    private final LabelledBatch batch;
    private final Augmentation augmentation;
    private final Schedule schedule;
    private int[] order = {};
    private long orderEpoch = -1;
    private double lossSum;
    private int lossCount;

    Run(TrainingTask task, Learners learners, Progress progress) {
      this.task = task;
      this.learners = learners;
      this.progress = progress;
      Images images = task.data().train();
      int size = Math.min(task.plan().batch(), images.count());
      this.batch = new LabelledBatch(size, Math.toIntExact(images.shape().elements()));
      this.augmentation =
          new Augmentation(images, task.preprocessing(), task.plan().regularisation().views());
      this.schedule = new Schedule(task.plan().learningRate(), steps());
    }

    /** Whole batches only; which images are left over changes with every epoch. */
    int perEpoch() {
      return task.data().train().count() / batch.count();
    }

    long steps() {
      return (long) task.plan().epochs() * perEpoch();
    }

    String name() {
      return (task.teacher().isPresent() ? "distil " : "train ") + task.initial().graph().name();
    }

    void step(long step) {
      long epoch = step / perEpoch();
      if (epoch != orderEpoch) {
        order = shuffled(task.data().train().count(), random(epoch, 1));
        orderEpoch = epoch;
      }
      Random random = random(step, 2);
      int first = (int) (step % perEpoch()) * batch.count();
      int each = batch.images().length / batch.count();
      for (int i = 0; i < batch.count(); i++) {
        int image = order[first + i];
        augmentation.apply(image, random, batch.images(), i * each);
        batch.labels()[i] = task.data().train().label(image);
      }
      lossSum += learners.step(batch, schedule.rate(step), random.nextLong());
      lossCount++;
      if ((step + 1) % perEpoch() == 0 || lossCount >= 50) {
        report(step + 1, epoch + 1);
      }
    }

    private void report(long done, long epoch) {
      progress.report(
          name(),
          (double) done / steps(),
          "epoch %d of %d, loss %s"
              .formatted(
                  epoch,
                  task.plan().epochs(),
                  String.format(Locale.ROOT, "%.4f", lossSum / lossCount)));
      lossSum = 0;
      lossCount = 0;
    }

    /**
     * A generator of its own for each number, so that any step can be the first after a restart.
     */
    private Random random(long number, long purpose) {
      long mixed = task.plan().seed() * 0x9E3779B97F4A7C15L + number;
      mixed = (mixed ^ (mixed >>> 32)) * 0xD6E8FEB86659FD93L + purpose;
      return new Random(mixed ^ (mixed >>> 32));
    }

    private static int[] shuffled(int count, Random random) {
      int[] order = new int[count];
      for (int i = 0; i < count; i++) {
        int j = random.nextInt(i + 1);
        order[i] = order[j];
        order[j] = i;
      }
      return order;
    }
  }
}
