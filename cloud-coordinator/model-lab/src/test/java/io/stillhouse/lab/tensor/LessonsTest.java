package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Lesson;
import io.stillhouse.model.recipe.Lesson.Method;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LessonsTest {
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
  private static final float H = 1e-2f;
  private static final int IMAGES = 4;

  /** Smooth everywhere, so that differences are slopes. */
  private static Network network(int channels, long seed) {
    NetworkGraph graph =
        new NetworkGraph(
            "smooth",
            new ImageShape(2, 6, 6),
            4,
            List.of(
                node("input", new Layer.Input()),
                node("a", new Layer.Conv(2, channels, 3, 3, 1, 1, 1, 1, true), "input"),
                node("a_act", new Activation(Function.SILU), "a"),
                node("b", new Layer.Conv(channels, channels, 3, 3, 2, 1, 1, 1, true), "a_act"),
                node("b_act", new Activation(Function.SIGMOID), "b"),
                node("pool", new Layer.GlobalAveragePool(), "b_act"),
                node("out", new Layer.Linear(channels, 4, true), "pool")));
    return Networks.lived(RandomWeights.of(graph, seed), seed);
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }

  private static Network withRegressor(Network student, Network teacher) {
    FeaturePairs.Pair pair = FeaturePairs.middle(FeaturePairs.of(student.graph(), teacher.graph()));
    float[] values = new float[pair.teacherChannels() * pair.studentChannels()];
    Random random = new Random(9);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new Network(
        student.graph(),
        student.weights().toBuilder()
            .put(
                pair.student() + TrainingMarks.REGRESSOR,
                values,
                pair.teacherChannels(),
                pair.studentChannels(),
                1,
                1)
            .build());
  }

  private static Lesson lesson(Method method, double soft, double weight) {
    return new Lesson(method, 3, soft, weight, List.of());
  }

  private static LossSurface surface(Network teacher, Lesson lesson, LabelledBatch batch) {
    return new LossSurface(RUNTIME, Optional.of(teacher), new Objective(0, lesson), batch);
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void gradients_of_every_lesson_agree_with_differences_of_the_loss(Method method) {
    Network teacher = network(5, 70);
    Network student = withRegressor(network(3, 7), teacher);
    Lesson lesson = lesson(method, 0.6, method == Method.ATTENTION ? 50 : 2);
    LossSurface surface = surface(teacher, lesson, LossSurface.batch(student, IMAGES, 5));
    Weights exact = surface.gradients(student);
    double largest = 0;
    for (String name : List.of("a.weight", "b.weight", "b.bias", "out.weight")) {
      float[] slopes = exact.values(name);
      for (int i = 0; i < slopes.length; i += Math.max(1, slopes.length / 4)) {
        largest = Math.max(largest, Math.abs(slopes[i]));
        assertThat((double) slopes[i])
            .as("%s[%d]", name, i)
            .isCloseTo(
                surface.difference(student, name, i, H), within(2e-3 + 0.03 * Math.abs(slopes[i])));
      }
    }
    assertThat(largest).isGreaterThan(0.02);
  }

  @Test
  void the_projection_of_a_hint_is_learnt_too() {
    Network teacher = network(5, 70);
    Network student = withRegressor(network(3, 7), teacher);
    String name = "b_act" + TrainingMarks.REGRESSOR;
    Lesson lesson = lesson(Method.HINTS, 0.5, 2);
    LossSurface surface = surface(teacher, lesson, LossSurface.batch(student, IMAGES, 5));
    float[] slopes = surface.gradients(student).values(name);
    assertThat((double) slopes[4]).isCloseTo(surface.difference(student, name, 4, H), within(2e-3));
    assertThat(Math.abs(slopes[4])).isGreaterThan(1e-3f);
  }

  /**
   * With beta = 1 - p of the teacher's target, the two parts add up to the whole; one image each.
   */
  @Test
  void decoupled_logits_with_the_teachers_doubt_as_weight_are_logit_distillation() {
    Network student = network(3, 7);
    Network teacher = network(5, 70);
    Random random = new Random(8);
    for (int i = 0; i < 3; i++) {
      float[] image = Networks.image(student.graph().input(), random);
      LabelledBatch batch = new LabelledBatch(1, 72);
      System.arraycopy(image, 0, batch.images(), 0, 72);
      batch.labels()[0] = i;
      double doubt;
      try (GraphRunner said = new GraphRunner(RUNTIME, teacher)) {
        float[] logits = said.logits(image);
        double sum = 0;
        for (float logit : logits) {
          sum += Math.exp(logit / 3);
        }
        doubt = 1 - Math.exp(logits[i] / 3) / sum;
      }
      double whole = surface(teacher, lesson(Method.LOGITS, 1, 0), batch).loss(student);
      double parts = surface(teacher, lesson(Method.DECOUPLED, 1, doubt), batch).loss(student);
      assertThat(whole).isGreaterThan(1e-3);
      assertThat(parts).isCloseTo(whole, within(1e-5));
    }
  }

  @Test
  void a_student_that_is_its_teacher_has_nothing_to_learn_from_maps_and_relations() {
    Network same = network(4, 3);
    LabelledBatch batch = LossSurface.batch(same, IMAGES, 2);
    for (Method method : List.of(Method.ATTENTION, Method.RELATIONAL, Method.DECOUPLED)) {
      assertThat(surface(same, lesson(method, 1, 10), batch).loss(same))
          .as(method.toString())
          .isCloseTo(0, within(1e-4));
    }
  }

  @Test
  void maps_are_paired_by_size_and_networks_without_any_are_refused() {
    NetworkGraph student = Networks.catalogue("separable_small", "1x28x28", 0.5, 1).graph();
    NetworkGraph teacher = Networks.catalogue("resnet14", "1x28x28", 1, 1).graph();
    List<FeaturePairs.Pair> pairs = FeaturePairs.of(student, teacher);
    assertThat(pairs)
        .extracting(FeaturePairs.Pair::teacher)
        .containsExactly("stage1.block1.act", "stage2.block1.act", "stage3.block1.act");
    assertThat(FeaturePairs.middle(pairs).teacherChannels()).isEqualTo(32);
    assertThatThrownBy(
            () -> FeaturePairs.of(student, Networks.catalogue("resnet8", "1x24x24", 1, 1).graph()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("have no maps of the same size");
  }
}
