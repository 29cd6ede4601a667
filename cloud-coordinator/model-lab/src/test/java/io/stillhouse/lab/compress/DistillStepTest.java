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
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DistillStepTest {
  private static final long SEED = 14;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);

  private static StoredModel stored(Network network) {
    return Networks.stored(network, DATA, SEED);
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
  @ValueSource(strings = {"decoupled", "hints", "attention", "relational", "mutual"})
  void every_method_trains_a_student_that_is_left_without_traces(String method) {
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    Network student = run(teacher, "student: separable_small, width: 0.25, method: " + method);
    assertThat(student.weights().names()).noneMatch(name -> name.endsWith(".regressor"));
    assertThat(student.graph().name()).isEqualTo("separable_small");
  }

  @Test
  void relations_between_examples_need_no_maps_of_the_same_size() {
    // Its only map is 10 x 10; the student's are 28, 14 and 7 a side.
    NetworkGraph graph =
        new NetworkGraph(
            "coarse",
            DATA.shape(),
            10,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("conv", new Layer.Conv(1, 6, 3, 3, 3, 1, 1, 1, true), List.of("input")),
                new Node(
                    "act", new Layer.Activation(Layer.Activation.Function.RELU), List.of("conv")),
                new Node("pool", new Layer.GlobalAveragePool(), List.of("act")),
                new Node("flat", new Layer.Flatten(), List.of("pool")),
                new Node("out", new Layer.Linear(6, 10, true), List.of("flat"))));
    String student = "student: resnet8, width: 0.25, method: ";
    Network teacher = RandomWeights.of(graph, 1);
    assertThat(run(teacher, student + "relational").weights().values("classifier.weight"))
        .isNotEqualTo(
            run(RandomWeights.of(graph, 2), student + "relational")
                .weights()
                .values("classifier.weight"));
    assertThatThrownBy(() -> run(teacher, student + "attention"))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("student resnet8 and teacher coarse have no maps of the same size");
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

  @Test
  void a_student_of_nobody_learns_from_labels_alone() {
    String alone = "student: separable_small, width: 0.25, softLossWeight: 0";
    Network of = Networks.catalogue("resnet8", "1x28x28", 0.25, 1);
    Network ofOther = Networks.catalogue("resnet8", "1x28x28", 0.25, 2);
    assertThat(run(of, alone).weights().values("classifier.weight"))
        .isEqualTo(run(ofOther, alone).weights().values("classifier.weight"));
    String taught = "student: separable_small, width: 0.25";
    assertThat(run(of, taught).weights().values("classifier.weight"))
        .isNotEqualTo(run(ofOther, taught).weights().values("classifier.weight"));
  }

  @Test
  void a_student_of_nobody_differs_from_a_taught_one_in_the_teacher_alone() {
    TrainingPlan alone = plan("softLossWeight: 0");
    TrainingPlan taught = plan("softLossWeight: 0.9");
    assertThat(alone.regularisation().labelSmoothing()).isZero();
    assertThat(alone.regularisation().distillation())
        .isNotEqualTo(taught.regularisation().distillation());
    assertThat(following(alone, taught.regularisation().distillation())).isEqualTo(taught);
    // What trains a teacher here, or trains on after a change, smooths labels as before.
    assertThat(
            TrainingPlan.usual(DATA.origin().kind(), DATA.shape(), DATA.train().count(), SEED)
                .regularisation()
                .labelSmoothing())
        .isPositive();
  }

  private static TrainingPlan following(TrainingPlan plan, TrainingPlan.Distillation lesson) {
    TrainingPlan.Regularisation own = plan.regularisation();
    return new TrainingPlan(
        plan.epochs(),
        plan.descent(),
        new TrainingPlan.Regularisation(
            own.weightDecay(), own.labelSmoothing(), own.views(), lesson),
        plan.seed());
  }

  /** By which a student of this lesson is trained. */
  private static TrainingPlan plan(String lesson) {
    List<TrainingPlan> plans = new ArrayList<>();
    new RecipeRun(
            (start, followed, plan, progress) -> {
              plans.add(plan);
              return start;
            },
            DATA,
            stored(Networks.catalogue("resnet8", "1x28x28", 0.25, SEED)),
            SEED)
        .run(
            RecipeYaml.parse(
                "r.yaml", "steps:\n  - distill: {student: resnet8, epochs: 1, " + lesson + "}\n"),
            Progress.none());
    return plans.get(0);
  }

  @Test
  void pictures_without_labels_are_enough_when_all_is_learnt_from_the_teacher(@TempDir Path folder)
      throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < 40; i++) {
      BufferedImage picture = new BufferedImage(28, 28, BufferedImage.TYPE_BYTE_GRAY);
      for (int at = 0; at < 28 * 28; at++) {
        picture.getRaster().setSample(at % 28, at / 28, 0, random.nextInt(256));
      }
      Path place = folder.resolve(i % 2 == 0 ? "a" : "b/c");
      Files.createDirectories(place);
      ImageIO.write(picture, "png", place.resolve(i + ".png").toFile());
    }
    Files.write(folder.resolve("broken.png"), new byte[] {1, 2, 3});
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    String step =
        "student: separable_small, width: 0.25, softLossWeight: 1, unlabelled: '" + folder + "'";
    Network student = run(teacher, step);
    assertThat(student.weights().values("classifier.weight"))
        .isEqualTo(run(teacher, step).weights().values("classifier.weight"))
        .isNotEqualTo(
            run(teacher, "student: separable_small, width: 0.25, softLossWeight: 1")
                .weights()
                .values("classifier.weight"));
  }

  @Test
  void a_folder_without_pictures_is_refused_in_one_line(@TempDir Path folder) throws Exception {
    Network teacher = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    for (Path place : List.of(folder, folder.resolve("nowhere"))) {
      assertThatThrownBy(
              () -> run(teacher, "student: same, softLossWeight: 1, unlabelled: '" + place + "'"))
          .isInstanceOf(LabException.class)
          .hasMessageContaining(place.toString())
          .hasMessageNotContaining("\n");
    }
  }
}
