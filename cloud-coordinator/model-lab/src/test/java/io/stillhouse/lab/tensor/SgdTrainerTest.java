package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.recipe.Lesson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SgdTrainerTest {
  private static final Objective HARD = new Objective(0.1, 1, 0);
  private static final Path CACHE = LabSettings.defaults().nativeCacheDir();
  private static final TensorRuntime RUNTIME = TensorRuntime.start(1, CACHE);

  /** Statistics that run behind would make them differ, and each would follow the other's lag. */
  @Test
  void peers_with_equal_weights_have_nothing_to_teach_each_other() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, 3);
    Lesson lesson = new Lesson(Lesson.Method.MUTUAL, 1, 1, 0, List.of());
    try (GraphRunner student = new GraphRunner(RUNTIME, network);
        GraphRunner peer = new GraphRunner(RUNTIME, network);
        GraphRunner loner = new GraphRunner(RUNTIME, network);
        SgdTrainer trainer =
            new SgdTrainer(student, Optional.of(peer), new Objective(0, lesson), 0);
        SgdTrainer alone = new SgdTrainer(loner, Optional.empty(), new Objective(0, 1, 0), 0)) {
      Weights before = peer.weights();
      LabelledBatch batch = LossSurface.batch(network, 16, 4);
      assertThat(trainer.step(batch, 0.1, 5)).isCloseTo(alone.step(batch, 0.1, 5), within(1e-6f));
      for (String name : before.names()) {
        assertThat(peer.weights().values(name)).as(name).isEqualTo(before.values(name));
      }
    }
  }

  @Test
  void steps_learn_a_batch_by_heart_and_equal_seeds_give_equal_weights() {
    Weights first = learnt(1, 60);
    assertThat(learnt(1, 60).values("classifier.weight"))
        .isEqualTo(first.values("classifier.weight"));
    Weights split = learnt(2, 60);
    assertThat(learnt(2, 60).values("stem.conv.weight"))
        .isEqualTo(split.values("stem.conv.weight"));
  }

  /** Two threads that compile one kernel together may take the whole process down. */
  @Test
  void shapes_that_are_new_to_both_threads_are_trained() {
    TensorRuntime runtime = TensorRuntime.start(2, CACHE);
    for (int side = 8; side < 24; side++) {
      Network network = Networks.catalogue("resnet8", "1x%dx%d".formatted(side, side + 1), 0.5, 3);
      LabelledBatch batch = LossSurface.batch(network, 32, 6);
      try (GraphRunner runner = new GraphRunner(runtime, network);
          SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
        assertThat(sgd.step(batch, 0.05, 0)).isPositive();
        assertThat(runner.logits(new float[32 * side * (side + 1)]))
            .hasSize(32 * network.graph().classes());
      }
    }
  }

  private static Weights learnt(int threads, int steps) {
    TensorRuntime runtime = TensorRuntime.start(threads, CACHE);
    Network network = Networks.catalogue("resnet8", "1x12x12", 0.5, 3);
    LabelledBatch batch = LossSurface.batch(network, 32, 6);
    try (GraphRunner runner = new GraphRunner(runtime, network);
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
      float first = sgd.step(batch, 0.05, 0);
      float last = first;
      for (int i = 1; i < steps; i++) {
        last = sgd.step(batch, 0.05, i);
      }
      assertThat(last).isLessThan(0.7f * first);
      return runner.weights();
    }
  }

  @Test
  void momentum_that_is_saved_and_restored_continues_the_same_path() {
    Network network = Networks.catalogue("resnet8", "1x12x12", 0.25, 3);
    LabelledBatch batch = LossSurface.batch(network, 16, 6);
    Weights straight;
    Weights between;
    Weights momentum;
    try (GraphRunner runner = new GraphRunner(RUNTIME, network);
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
      sgd.step(batch, 0.05, 0);
      sgd.step(batch, 0.05, 1);
      between = runner.weights();
      momentum = sgd.momentum();
      sgd.step(batch, 0.05, 2);
      straight = runner.weights();
    }
    try (GraphRunner runner = new GraphRunner(RUNTIME, new Network(network.graph(), between));
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
      sgd.restore(momentum);
      sgd.step(batch, 0.05, 2);
      for (String name : straight.names()) {
        assertThat(runner.weights().values(name)).as(name).isEqualTo(straight.values(name));
      }
    }
  }

  @Test
  void a_loss_that_is_no_number_ends_the_training_with_advice() {
    Network network = Networks.catalogue("resnet8", "1x12x12", 0.25, 3);
    LabelledBatch batch = LossSurface.batch(network, 16, 6);
    batch.images()[5] = Float.NaN;
    try (GraphRunner runner = new GraphRunner(RUNTIME, network);
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
      assertThatThrownBy(() -> sgd.step(batch, 0.05, 0))
          .isInstanceOf(LabException.class)
          .hasMessageContaining("lower learning rate");
    }
  }

  @Test
  void native_memory_stays_flat_over_hundreds_of_steps() throws IOException {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, 3);
    LabelledBatch batch = LossSurface.batch(network, 32, 6);
    try (GraphRunner runner = new GraphRunner(RUNTIME, network);
        SgdTrainer sgd = new SgdTrainer(runner, Optional.empty(), HARD, 5e-4)) {
      for (int i = 0; i < 50; i++) {
        sgd.step(batch, 0.01, i);
      }
      long before = residentKilobytes();
      for (int i = 0; i < 250; i++) {
        sgd.step(batch, 0.01, i);
      }
      // One step allocates about 60 MB; a leak of a hundredth of that would show.
      assertThat(residentKilobytes() - before).isLessThan(100_000);
    }
  }

  private static long residentKilobytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
