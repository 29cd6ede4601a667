package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DistillStepTest {
  private static final long SEED = 14;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);

  private static StoredModel stored(Network network) {
    return new StoredModel(
        network,
        DATA.labels(),
        Preprocessing.measured(DATA.train()),
        new Provenance("", "", Map.of(), SEED, Map.of()));
  }

  private static Network run(Network teacher, String step) {
    TensorRuntime runtime = TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
    CompressionRecipe recipe =
        RecipeYaml.parse("r.yaml", "steps:\n  - distill: {" + step + ", epochs: 1}\n");
    StoredModel model = stored(teacher);
    return new RecipeRun(
            new DataTrainer(runtime, DATA, model.preprocessing(), Optional.empty()),
            DATA,
            model,
            SEED)
        .run(recipe, Progress.none())
        .network();
  }

  @ParameterizedTest
  @ValueSource(strings = {"decoupled", "hints", "attention", "relational"})
  void every_method_trains_a_student_that_is_left_without_traces(String method) {
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    Network student = run(teacher, "student: separable_small, width: 0.25, method: " + method);
    assertThat(student.weights().names()).noneMatch(name -> name.endsWith(".regressor"));
    assertThat(student.graph().name()).isEqualTo("separable_small");
  }

  @Test
  void a_student_may_have_its_teachers_shape_and_starts_anew() {
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    Network student = run(teacher, "student: same");
    assertThat(student.graph()).isEqualTo(teacher.graph());
    assertThat(student.weights().values("classifier.weight"))
        .isNotEqualTo(teacher.weights().values("classifier.weight"));
  }

  @Test
  void an_ensemble_says_the_mean_of_what_its_members_say() {
    List<Network> members =
        List.of(
            Networks.catalogue("resnet8", "1x28x28", 0.25, 1),
            Networks.catalogue("separable_small", "1x28x28", 0.25, 2),
            Networks.catalogue("resnet8", "1x28x28", 0.5, 3));
    Network ensemble = TeacherEnsemble.of(members);
    float[] image = Networks.image(members.get(0).graph().input(), new Random(SEED));
    double[] mean = new double[10];
    for (Network member : members) {
      double[] logits = PlainRunner.run(member, image);
      for (int c = 0; c < 10; c++) {
        mean[c] += logits[c] / 3;
      }
    }
    assertThat(PlainRunner.run(ensemble, image)).containsExactly(mean, within(1e-5));
  }

  @Test
  void further_teachers_are_read_from_their_folders_and_must_fit(@TempDir Path folder)
      throws Exception {
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    Path second = folder.resolve("second");
    try (PartialFolder partial = PartialFolder.open(second)) {
      ModelStore.write(partial.path(), stored(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED)));
      partial.commit();
    }
    Network student = run(teacher, "student: resnet8, width: 0.25, teachers: ['" + second + "']");
    assertThat(student.weights().values("classifier.weight"))
        .isNotEqualTo(
            run(teacher, "student: resnet8, width: 0.25").weights().values("classifier.weight"));
    Path other = folder.resolve("other");
    try (PartialFolder partial = PartialFolder.open(other)) {
      ModelStore.write(
          partial.path(),
          new StoredModel(
              teacher,
              DATA.labels(),
              new Preprocessing(List.of(0.5f), List.of(0.5f)),
              new Provenance("", "", Map.of(), SEED, Map.of())));
      partial.commit();
    }
    assertThatThrownBy(() -> run(teacher, "student: resnet8, teachers: ['" + other + "']"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("has other labels or another scaling of its input than the first");
  }
}
