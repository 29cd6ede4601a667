package io.stillhouse.lab.teacher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.model.network.NetworkCatalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(640, 400);
  private static final Preprocessing PREPROCESSING = Preprocessing.measured(DATA.train());

  private final Trainer trainer =
      new Trainer(TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir()));

  @TempDir private Path folder;

  private static TrainingTask task(int epochs, Optional<Network> teacher) {
    TrainingPlan quick = TrainingPlan.quick(epochs, 7);
    TrainingPlan plan =
        new TrainingPlan(
            epochs, new TrainingPlan.Descent(32, 0.05), quick.regularisation(), quick.seed());
    Network initial =
        RandomWeights.of(NetworkCatalog.build("resnet8", DATA.shape(), 10, 0.25), plan.seed());
    return new TrainingTask(initial, DATA, PREPROCESSING, plan, teacher);
  }

  /** Says stop at the given call. */
  private static final class StopAt implements Progress {
    private final int call;
    private int calls;
    private final List<Double> fractions = new ArrayList<>();

    StopAt(int call) {
      this.call = call;
    }

    @Override
    public void report(String step, double fraction, String message) {
      fractions.add(fraction);
    }

    @Override
    public boolean cancelled() {
      return ++calls >= call;
    }
  }

  @Test
  void a_few_epochs_beat_guessing_and_a_student_follows_its_teacher() {
    StopAt never = new StopAt(Integer.MAX_VALUE);
    Network teacher = trainer.train(task(10, Optional.empty()), never);
    double accuracy = trainer.accuracy(teacher, DATA.test(), PREPROCESSING);
    assertThat(accuracy).isGreaterThan(0.5);
    assertThat(never.fractions).isSorted().endsWith(1.0).hasSizeGreaterThanOrEqualTo(10);
    Network student = trainer.train(task(10, Optional.of(teacher)), Progress.none());
    assertThat(trainer.accuracy(student, DATA.test(), PREPROCESSING)).isGreaterThan(0.5);
  }

  @Test
  void a_training_stopped_anywhere_and_continued_gives_the_weights_of_an_unbroken_one() {
    TrainingTask task = task(3, Optional.empty());
    Network unbroken = trainer.train(task, Progress.none());
    for (int stop : new int[] {3, 5, 4}) {
      assertThatThrownBy(() -> trainer.train(task, Optional.of(folder), new StopAt(stop)))
          .isInstanceOf(CancelledException.class);
    }
    StopAt rest = new StopAt(Integer.MAX_VALUE);
    Network continued = trainer.train(task, Optional.of(folder), rest);
    assertThat(rest.calls).isLessThan(3 * (640 / task.plan().batch()));
    for (String name : unbroken.weights().names()) {
      assertThat(continued.weights().values(name))
          .as(name)
          .isEqualTo(unbroken.weights().values(name));
    }
  }

  @Test
  void checkpoints_of_other_work_and_damaged_ones_are_not_used() throws IOException {
    TrainingTask task = task(2, Optional.empty());
    assertThatThrownBy(() -> trainer.train(task, Optional.of(folder), new StopAt(4)))
        .isInstanceOf(CancelledException.class);
    assertThat(Checkpoint.latest(folder, Fingerprint.of(task))).isPresent();
    assertThat(Checkpoint.latest(folder, Fingerprint.of(task(3, Optional.empty())))).isEmpty();
    try (Stream<Path> steps = Files.list(folder)) {
      Path step = steps.findFirst().orElseThrow();
      Files.write(step.resolve("momentum.safetensors"), new byte[] {1, 2, 3});
    }
    assertThat(Checkpoint.latest(folder, Fingerprint.of(task))).isEmpty();
  }

  @Test
  void only_the_latest_checkpoint_is_kept() throws IOException {
    trainer.train(task(4, Optional.empty()), Optional.of(folder), Progress.none());
    try (Stream<Path> steps = Files.list(folder)) {
      assertThat(steps).hasSize(1);
    }
  }

  @Test
  void a_full_disk_costs_the_checkpoint_and_not_the_training() throws IOException {
    Path file = Files.createFile(folder.resolve("not-a-folder"));
    Network trained = trainer.train(task(2, Optional.empty()), Optional.of(file), Progress.none());
    assertThat(trained.weights().count()).isPositive();
  }

  @Test
  void a_rate_that_makes_the_loss_explode_is_told_in_one_line() {
    TrainingTask task = task(2, Optional.empty());
    float[] poisoned = task.initial().weights().values("classifier.bias");
    poisoned[0] = Float.NaN;
    Network broken =
        new Network(
            task.initial().graph(),
            task.initial().weights().toBuilder().put("classifier.bias", poisoned, 10).build());
    TrainingTask bad = new TrainingTask(broken, DATA, PREPROCESSING, task.plan(), Optional.empty());
    assertThatThrownBy(() -> trainer.train(bad, Progress.none())).isInstanceOf(LabException.class);
  }
}
