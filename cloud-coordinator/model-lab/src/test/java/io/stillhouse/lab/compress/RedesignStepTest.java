package io.stillhouse.lab.compress;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.redesign.DesignStrategy;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedesignStepTest {
  private static final long SEED = 31;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);

  private static StoredModel teacher() {
    return Networks.stored(Networks.catalogue("resnet8", "1x28x28", 1, SEED), DATA, SEED);
  }

  /** What a step makes before anything is learnt. */
  private static RecipeRun.Result untrained(String strategy) {
    RecipeRun run = new RecipeRun((start, teacher, plan, p) -> start, DATA, teacher(), SEED);
    return run.run(recipe(strategy, 1), Progress.none());
  }

  private static CompressionRecipe recipe(String strategy, int epochs) {
    return new CompressionRecipe(
        SEED, List.of(new Compression.Redesign(DesignStrategy.parse(strategy), epochs)));
  }

  @Test
  void layers_that_stay_keep_their_weights_and_what_follows_a_new_layer_starts_anew() {
    Network before = teacher().network();
    RecipeRun.Result made = untrained("separable");
    Network after = made.network();
    assertThat(made.notes()).containsOnlyKeys("step1.redesign");
    List<?> changed = (List<?>) requireNonNull(made.notes().get("step1.redesign"));
    assertThat(changed).isNotEmpty();
    for (Node node : after.graph().nodes()) {
      boolean stays = before.graph().nodes().contains(node);
      String weight = node.name() + ".weight";
      if (node.layer() instanceof Layer.Conv) {
        assertThat(stays)
            .as(node.name())
            .isNotEqualTo(changed.contains(node.name()) || added(node));
        if (stays) {
          assertThat(after.weights().values(weight)).isEqualTo(before.weights().values(weight));
        }
      } else if (node.layer() instanceof Layer.BatchNorm
          && changed.contains(node.inputs().get(0))) {
        assertThat(after.weights().values(node.name() + ".gamma")).containsOnly(1);
        assertThat(after.weights().values(node.name() + ".gamma"))
            .isNotEqualTo(before.weights().values(node.name() + ".gamma"));
      }
    }
    assertThat(NetworkCost.of(after.graph()).macs())
        .isLessThan(NetworkCost.of(before.graph()).macs() / 2);
  }

  private static boolean added(Node node) {
    return node.name().contains(".dw.");
  }

  @Test
  void a_narrower_width_keeps_the_strongest_channels() {
    Network before = teacher().network();
    Network after = untrained("width:0.5").network();
    double left =
        (double) NetworkCost.of(after.graph()).macs() / NetworkCost.of(before.graph()).macs();
    assertThat(left).isBetween(0.2, 0.35);
    for (Node node : after.graph().nodes()) {
      if (node.layer() instanceof Layer.Conv conv) {
        assertThat(conv.out() % RedesignStep.CHANNELS_MULTIPLE).as(node.name()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kernel-split", "width:1"})
  void a_strategy_that_changes_nothing_is_refused_in_one_line(String strategy) {
    assertThatThrownBy(() -> untrained(strategy))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("recipe step redesign")
        .hasMessageContaining("changes nothing in resnet8")
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"separable", "squeeze:4", "bottleneck:4", "spatial", "group:4", "ghost"})
  void a_redesigned_network_learns_and_its_file_says_what_it_says(String strategy)
      throws Exception {
    TensorRuntime runtime = TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
    StoredModel teacher = teacher();
    RecipeRun run =
        new RecipeRun(
            new DataTrainer(runtime, DATA, teacher.preprocessing(), Optional.empty()),
            DATA,
            teacher,
            SEED);
    RecipeRun.Result made = run.run(recipe(strategy, 1), Progress.none());
    assertThat(made.network().weights().values("classifier.weight"))
        .isNotEqualTo(teacher.network().weights().values("classifier.weight"));
    Random random = new Random(SEED);
    try (OrtModel model = OrtModel.open(made.onnx().bytes())) {
      float[] image = Networks.image(made.network().graph().input(), random);
      double[] expected = PlainRunner.run(made.network(), image);
      float[] actual = model.run(image);
      for (int c = 0; c < expected.length; c++) {
        assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-3));
      }
    }
  }
}
