package io.stillhouse.lab.teacher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.recipe.Lesson;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MutualLearningTest {
  private static final long SEED = 5;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(512, 64);
  private static final Preprocessing SCALING = Preprocessing.measured(DATA.train());
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());

  private static TrainingTask task(double softLossWeight, long peerSeed) {
    TrainingPlan quick = TrainingPlan.quick(2, SEED);
    TrainingPlan.Regularisation usual = quick.regularisation();
    Lesson lesson = new Lesson(Lesson.Method.MUTUAL, 1, softLossWeight, 0, List.of());
    TrainingPlan plan =
        new TrainingPlan(
            quick.epochs(),
            new TrainingPlan.Descent(32, 0.05),
            new TrainingPlan.Regularisation(
                usual.weightDecay(),
                0,
                new TrainingPlan.Views(0, false, 0),
                new TrainingPlan.Distillation(lesson)),
            SEED);
    return new TrainingTask(
        Networks.catalogue("resnet8", "1x28x28", 0.25, SEED),
        DATA,
        SCALING,
        plan,
        Optional.of(Networks.catalogue("resnet8", "1x28x28", 0.25, peerSeed)));
  }

  private static float[] classifier(Network network) {
    return network.weights().values("classifier.weight");
  }

  @Test
  void the_peer_matters_and_it_learns_too(@TempDir Path folder) {
    Trainer trainer = new Trainer(RUNTIME);
    TrainingTask task = task(0.5, 99);
    Network student = trainer.train(task, Optional.of(folder), Progress.none());
    assertThat(classifier(student))
        .isNotEqualTo(classifier(trainer.train(task(0.5, 98), Progress.none())));
    float[] peer =
        Checkpoint.latest(folder, task.fingerprint())
            .orElseThrow()
            .weights()
            .values("peer:classifier.weight");
    assertThat(peer)
        .isNotEqualTo(classifier(task.teacher().orElseThrow()))
        .isNotEqualTo(classifier(student));
  }

  @Test
  void stopped_and_started_again_it_ends_with_the_same_student(@TempDir Path folder) {
    Trainer trainer = new Trainer(RUNTIME);
    TrainingTask task = task(0.5, 99);
    Network whole = trainer.train(task, Progress.none());
    int[] asked = {0};
    Progress stopping =
        new Progress() {
          @Override
          public void report(String step, double fraction, String message) {}

          @Override
          public boolean cancelled() {
            return ++asked[0] > 20;
          }
        };
    assertThatThrownBy(() -> trainer.train(task, Optional.of(folder), stopping))
        .isInstanceOf(CancelledException.class);
    Network resumed = trainer.train(task, Optional.of(folder), Progress.none());
    assertThat(classifier(resumed)).isEqualTo(classifier(whole));
  }
}
