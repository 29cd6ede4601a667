package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.OnnxCost;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.export.TransferForm;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Sparsity;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FewerWeightsTest {
  private static final long SEED = 6;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);

  private static StoredModel teacher(double width) {
    return Networks.stored(Networks.catalogue("resnet8", "1x28x28", width, SEED), DATA, SEED);
  }

  private static RecipeRun.Result run(double width, String steps) {
    TensorRuntime runtime = TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
    CompressionRecipe recipe = RecipeYaml.parse("r.yaml", "seed: 6\nsteps:\n" + steps);
    StoredModel teacher = teacher(width);
    return new RecipeRun(
            new DataTrainer(runtime, DATA, teacher.preprocessing(), Optional.empty()),
            DATA,
            teacher,
            SEED)
        .run(recipe, Progress.none());
  }

  private static double zeros(Network network) {
    long zeros = 0;
    long all = 0;
    for (Node node : network.graph().nodes()) {
      if (node.layer() instanceof Layer.Conv || node.layer() instanceof Layer.Linear) {
        for (float value : network.weights().values(node.name() + ".weight")) {
          zeros += value == 0 ? 1 : 0;
          all++;
        }
      }
    }
    return (double) zeros / all;
  }

  @Test
  void zeros_stay_zero_through_training_and_into_8_bits_and_make_the_transfer_small() {
    RecipeRun.Result dense = run(1, "  - quantize: {}\n");
    RecipeRun.Result sparse =
        run(1, "  - sparsify: {ratio: 0.8, epochs: 1}\n  - quantize: {mode: qat, epochs: 1}\n");
    assertThat(zeros(sparse.network())).isCloseTo(0.8, within(0.01));
    assertThat(sparse.network().weights().names())
        .noneMatch(name -> name.endsWith(".mask") || name.endsWith(".range"));
    byte[] wire = TransferForm.pack(sparse.onnx().bytes()).orElseThrow();
    assertThat(TransferForm.unpack(wire)).isEqualTo(sparse.onnx().bytes());
    assertThat((double) wire.length).isLessThan(0.6 * TransferForm.wireBytes(dense.onnx().bytes()));
  }

  @Test
  void two_of_four_neighbours_stay_and_they_are_the_larger_ones() {
    Network network = teacher(0.5).network();
    Network sparse = SparsifyStep.sparse(network, Sparsity.pattern(2, 4));
    String name = "stage2.block0.first.conv.weight";
    float[] before = network.weights().values(name);
    float[] after = sparse.weights().values(name);
    int[] shape = network.weights().shape(name);
    for (int o = 0; o < shape[0]; o++) {
      for (int k = 0; k < 9; k++) {
        for (int from = 0; from < shape[1]; from += 4) {
          float least = Float.MAX_VALUE;
          float lost = 0;
          int kept = 0;
          for (int i = from; i < from + 4; i++) {
            int at = (o * shape[1] + i) * 9 + k;
            if (after[at] != 0) {
              kept++;
              assertThat(after[at]).isEqualTo(before[at]);
              least = Math.min(least, Math.abs(before[at]));
            } else {
              lost = Math.max(lost, Math.abs(before[at]));
            }
          }
          assertThat(kept).isEqualTo(2);
          assertThat(least).isGreaterThanOrEqualTo(lost);
        }
      }
    }
    // One input channel makes no group of four.
    assertThat(sparse.weights().values("stem.conv.weight"))
        .isEqualTo(network.weights().values("stem.conv.weight"));
  }

  @Test
  void a_second_sparsity_step_keeps_the_zeros_of_the_first_and_counts_them() {
    Network once = SparsifyStep.sparse(teacher(0.5).network(), Sparsity.share(0.9));
    Network twice = SparsifyStep.sparse(once, Sparsity.pattern(2, 4));
    assertThat(zeros(twice)).isGreaterThanOrEqualTo(zeros(once)).isGreaterThan(0.89);
    String name = "stage2.block0.first.conv";
    float[] first = once.weights().values(name + ".weight");
    float[] second = twice.weights().values(name + ".weight");
    float[] mask = twice.weights().values(name + ".mask");
    int[] shape = once.weights().shape(name + ".weight");
    for (int i = 0; i < first.length; i++) {
      assertThat(first[i] == 0 ? mask[i] : 0).as("mask[%d]", i).isZero();
      assertThat(second[i]).isEqualTo(first[i] * mask[i]);
    }
    for (int o = 0; o < shape[0]; o++) {
      for (int k = 0; k < 9; k++) {
        for (int from = 0; from < shape[1]; from += 4) {
          int before = 0;
          int after = 0;
          for (int i = from; i < from + 4; i++) {
            before += first[(o * shape[1] + i) * 9 + k] == 0 ? 0 : 1;
            after += second[(o * shape[1] + i) * 9 + k] == 0 ? 0 : 1;
          }
          assertThat(after).isEqualTo(Math.min(2, before));
        }
      }
    }
    // The other way round: 80 % of all, of which the pattern gave 50 points already.
    Network share =
        SparsifyStep.sparse(
            SparsifyStep.sparse(teacher(0.5).network(), Sparsity.pattern(2, 4)),
            Sparsity.share(0.8));
    assertThat(zeros(share)).isCloseTo(0.8, within(0.01));
    // A smaller share than the one before asks for nothing more.
    assertThat(zeros(SparsifyStep.sparse(once, Sparsity.share(0.3)))).isEqualTo(zeros(once));
  }

  @Test
  void zeros_of_both_sparsity_steps_stay_through_training() {
    String steps =
        "  - sparsify: {ratio: 0.9, epochs: 1}\n  - sparsify: {pattern: '2:4', epochs: 1}\n";
    assertThat(zeros(run(0.5, steps).network())).isGreaterThan(0.89);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 8})
  void a_palette_has_its_size_and_the_file_looks_it_up_exactly(int bits) {
    RecipeRun.Result made = run(0.5, "  - cluster: {bits: %d}\n".formatted(bits));
    for (Node node : made.network().graph().nodes()) {
      if (node.layer() instanceof Layer.Conv) {
        Set<Float> values = new TreeSet<>();
        for (float value : made.network().weights().values(node.name() + ".weight")) {
          values.add(value);
        }
        assertThat(values).hasSizeLessThanOrEqualTo(1 << bits).hasSizeGreaterThan(1);
      }
    }
    Random random = new Random(SEED);
    try (OrtModel few = OrtModel.open(made.onnx().bytes());
        OrtModel plain = OrtModel.open(OnnxExporter.fp32(made.network()))) {
      for (int i = 0; i < 2; i++) {
        float[] image = Networks.image(made.network().graph().input(), random);
        assertThat(few.run(image)).isEqualTo(plain.run(image));
        float[] logits = few.run(image);
        double[] expected = PlainRunner.run(made.network(), image);
        for (int c = 0; c < 10; c++) {
          assertThat((double) logits[c]).isCloseTo(expected[c], within(1e-3));
        }
      }
    }
    assertThat(OnnxCost.of(made.onnx().bytes()))
        .isEqualTo(OnnxCost.of(OnnxExporter.fp32(made.network())));
    if (bits == 4) {
      assertThat(made.onnx().bytes().length)
          .isLessThan((int) (0.4 * OnnxExporter.fp32(made.network()).length));
    }
  }

  @Test
  void centres_are_means_of_their_values_and_zero_is_kept_where_it_is_meant() {
    float[] values = {-1.1f, -0.9f, 0.1f, 0.3f, 2, 2.2f};
    assertThat(WeightPalette.clustered(values, 4))
        .containsExactly(new float[] {-1, -1, 0.2f, 0.2f, 2.1f, 2.1f}, within(1e-6f));
    float[] sparse = {0, 0, 0, 0.5f, 0.7f, -3};
    float[] few = WeightPalette.clustered(sparse, 3);
    assertThat(Arrays.copyOf(few, 3)).containsExactly(0, 0, 0);
    assertThat(few[3]).isEqualTo(few[4]).isCloseTo(0.6f, within(1e-6f));
    assertThat(few[5]).isEqualTo(-3);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void places_that_do_not_fill_their_last_byte_are_looked_up_exactly(int bits) {
    NetworkGraph graph =
        new NetworkGraph(
            "odd_counts",
            new ImageShape(1, 5, 5),
            5,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("conv", Layer.Conv.of(1, 3, 3, 1, 1), List.of("input")),
                new Node("pool", new Layer.GlobalAveragePool(), List.of("conv")),
                new Node("flat", new Layer.Flatten(), List.of("pool")),
                new Node("out", new Layer.Linear(3, 5, true), List.of("flat"))));
    Network few = WeightPalette.cluster(RandomWeights.of(graph, SEED), bits);
    float[] image = Networks.image(graph.input(), new Random(SEED));
    try (OrtModel palette = OrtModel.open(OnnxExporter.palette(few));
        OrtModel plain = OrtModel.open(OnnxExporter.fp32(few))) {
      assertThat(palette.run(image)).isEqualTo(plain.run(image));
    }
  }

  @Test
  void training_moves_the_values_of_a_palette_and_leaves_each_weight_with_its_own() {
    String steps = "  - sparsify: {ratio: 0.5}\n  - cluster: {bits: 3%s}\n";
    Network before = run(0.5, steps.formatted("")).network();
    Network after = run(0.5, steps.formatted(", epochs: 1")).network();
    for (Node node : before.graph().nodes()) {
      if (!(node.layer() instanceof Layer.Conv || node.layer() instanceof Layer.Linear)) {
        continue;
      }
      float[] old = before.weights().values(node.name() + ".weight");
      float[] moved = after.weights().values(node.name() + ".weight");
      Map<Float, Float> became = new HashMap<>();
      for (int i = 0; i < old.length; i++) {
        Float earlier = became.putIfAbsent(old[i], moved[i]);
        assertThat(earlier == null || earlier == moved[i]).as("%s[%d]", node.name(), i).isTrue();
      }
      assertThat(became).containsEntry(0f, 0f);
      assertThat(became.entrySet()).anyMatch(entry -> !entry.getKey().equals(entry.getValue()));
    }
    assertThat(after.weights().names()).isEqualTo(before.weights().names());
  }

  @Test
  void a_palette_looked_up_is_the_weights_that_it_was_made_of() {
    Network sparse = SparsifyStep.sparse(teacher(0.5).network(), Sparsity.share(0.4));
    Network few = WeightPalette.cluster(sparse, 4);

    Network again = ClusterStep.lookedUp(ClusterStep.marked(few));

    assertThat(again.weights().names()).isEqualTo(few.weights().names());
    for (String name : few.weights().names()) {
      assertThat(again.weights().values(name)).isEqualTo(few.weights().values(name));
    }
  }
}
