package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.SensitivityTable.Row;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Selection;
import io.stillhouse.model.recipe.Selection.Scope;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PruneStepTest {
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);
  private static final long SEED = 12;

  private static StoredModel teacher() {
    return Networks.stored(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED), DATA, SEED);
  }

  private static RecipeRun run() {
    TensorRuntime runtime = TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
    StoredModel teacher = teacher();
    return new RecipeRun(
        new DataTrainer(runtime, DATA, teacher.preprocessing(), Optional.empty()),
        DATA,
        teacher,
        SEED);
  }

  @Test
  void a_recipe_prunes_by_taylor_in_rounds_and_the_file_says_what_the_network_says() {
    Prune step = new Prune(0.5, Importance.TAYLOR, 2, 2, new Selection(Scope.GLOBAL, Map.of(), 2));
    RecipeRun.Result made = run().run(new CompressionRecipe(SEED, List.of(step)), Progress.none());
    int before = channels(teacher().network());
    assertThat(channels(made.network())).isBetween(before / 2 - 8, before / 2 + 8);
    Random random = new Random(SEED);
    try (OrtModel model = OrtModel.open(made.onnx().bytes())) {
      for (int i = 0; i < 3; i++) {
        float[] image = Networks.image(made.network().graph().input(), random);
        double[] expected = PlainRunner.run(made.network(), image);
        float[] actual = model.run(image);
        for (int c = 0; c < expected.length; c++) {
          assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-3));
        }
      }
    }
  }

  @Test
  void trying_layers_is_reported_and_decides_what_each_loses() {
    Prune step = new Prune(0.3, Importance.L2, 1, 0, new Selection(Scope.SENSITIVITY, Map.of(), 1));
    RecipeRun.Result made = run().run(new CompressionRecipe(SEED, List.of(step)), Progress.none());
    int before = channels(teacher().network());
    assertThat(channels(made.network())).isBetween((int) (0.62 * before), (int) (0.78 * before));
    assertThat(made.notes()).containsOnlyKeys("step1.prune", "step1.sensitivity");
  }

  @Test
  void the_report_says_how_many_channels_each_group_had_and_has() {
    Selection selection = new Selection(Scope.LAYER, Map.of("stage2.block0.first.conv", 0.0), 1);
    Prune step = new Prune(0.5, Importance.L1, 4, 0, selection);
    RecipeRun.Result made = run().run(new CompressionRecipe(SEED, List.of(step)), Progress.none());
    assertThat(made.notes())
        .containsEntry(
            "step1.prune",
            List.of(
                row("stem.conv", 8, 4),
                row("stage1.block0.first.conv", 8, 4),
                row("stage2.block0.first.conv", 16, 16),
                row("stage2.block0.second.conv", 16, 8),
                row("stage3.block0.first.conv", 32, 16),
                row("stage3.block0.second.conv", 32, 16)));
  }

  private static Map<String, Object> row(String layer, int before, int after) {
    return Map.of("layer", layer, "channelsBefore", before, "channelsAfter", after);
  }

  @Test
  void a_step_that_would_remove_nothing_is_refused_before_anything_is_trained() {
    for (Scope scope : Scope.values()) {
      Prune step = new Prune(0.02, Importance.L1, 8, 3, new Selection(scope, Map.of(), 3));
      StepContext context =
          new StepContext(
              (start, followed, plan, progress) -> {
                throw new AssertionError("trained");
              },
              DATA,
              teacher(),
              SEED);
      assertThatThrownBy(
              () -> new PruneStep(context).run(teacher().network(), step, Progress.none()))
          .isInstanceOf(LabException.class)
          .hasMessage(
              "recipe step prune: no channel goes: at ratio 0.02, rounded to multiples of 8, all 6"
                  + " groups of resnet8 stay as they are, the widest with 32 channels. Use a higher"
                  + " ratio or a smaller roundTo, or leave the step out");
    }
  }

  /**
   * Each of eight images lights one pixel, each channel of {@code carries} sees one pixel, and the
   * classifier reads no channel of {@code idle}.
   */
  private static Network carryingAndIdle() {
    Layer.Conv whole = new Layer.Conv(1, 8, 2, 4, 1, 0, 0, 1, false);
    NetworkGraph graph =
        new NetworkGraph(
            "carrying_and_idle",
            new ImageShape(1, 2, 4),
            8,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("carries", whole, List.of("input")),
                new Node("idle", whole, List.of("input")),
                new Node("both", new Layer.Concat(), List.of("carries", "idle")),
                new Node("flat", new Layer.Flatten(), List.of("both")),
                new Node("out", new Layer.Linear(16, 8, false), List.of("flat"))));
    float[] one = new float[64];
    float[] read = new float[8 * 16];
    for (int c = 0; c < 8; c++) {
      one[8 * c + c] = 1;
      read[16 * c + c] = 1;
    }
    return new Network(
        graph,
        RandomWeights.of(graph, SEED).weights().toBuilder()
            .put("carries.weight", one, 8, 1, 2, 4)
            .put("out.weight", read, 8, 16)
            .build());
  }

  private static Dataset onePixelEach() {
    byte[] pixels = new byte[64];
    int[] labels = new int[8];
    for (int c = 0; c < 8; c++) {
      pixels[8 * c + c] = (byte) 255;
      labels[c] = c;
    }
    Images images = Images.of(new ImageShape(1, 2, 4), pixels, labels);
    return new Dataset(
        images,
        images,
        List.of("a", "b", "c", "d", "e", "f", "g", "h"),
        new Dataset.Origin(DataSpec.Kind.IDX, Digest.of(pixels), List.of()));
  }

  @Test
  void channels_that_do_nothing_are_found_insensitive_and_those_that_carry_all_sensitive() {
    Network network = carryingAndIdle();
    SensitivityTable table =
        PruningSensitivity.measure(
            network,
            ChannelScores.of(network, Importance.L1, SEED),
            new Validation(onePixelEach(), new Preprocessing(List.of(0f), List.of(1f))),
            Progress.none());
    assertThat(table.baseline()).isEqualTo(1);
    // With k channels left, k images are still told apart.
    assertThat(table.byLayer())
        .containsExactly(
            Map.entry(
                "carries",
                PruningSensitivity.RATIOS.stream().map(r -> new Row("carries", r, 1 - r)).toList()),
            Map.entry(
                "idle",
                PruningSensitivity.RATIOS.stream().map(r -> new Row("idle", r, 1.0)).toList()));
    Prune asked =
        new Prune(0.4, Importance.L1, 1, 0, new Selection(Scope.SENSITIVITY, Map.of(), 1));
    Map<String, Double> ratios =
        PruningSensitivity.ratios(table, PruningGroups.of(network.graph()), asked)
            .selection()
            .layerRatios();
    assertThat(ratios).containsEntry("carries", 0.0);
    assertThat(ratios.getOrDefault("idle", 0.0)).isCloseTo(0.8, within(1e-9));
  }

  @Test
  void layers_that_bear_it_lose_more_at_the_same_drop() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    List<Row> rows =
        groups.stream()
            .flatMap(
                group ->
                    PruningSensitivity.RATIOS.stream()
                        .map(
                            ratio ->
                                new Row(
                                    group.makers().get(0),
                                    ratio,
                                    // The first group costs a point per channel share, others a
                                    // tenth.
                                    0.9 - ratio * (group.equals(groups.get(0)) ? 0.1 : 0.01))))
            .toList();
    SensitivityTable table = new SensitivityTable("prune", 0.9, rows);
    Prune asked =
        new Prune(0.5, Importance.L1, 1, 0, new Selection(Scope.SENSITIVITY, Map.of(), 1));
    Map<String, Double> ratios =
        PruningSensitivity.ratios(table, groups, asked).selection().layerRatios();
    assertThat(ratios.getOrDefault(groups.get(0).makers().get(0), 1.0)).isZero();
    assertThat(ratios.getOrDefault(groups.get(5).makers().get(0), 0.0)).isGreaterThan(0.5);
    double removed = 0;
    double all = 0;
    for (PruningGroup group : groups) {
      removed += ratios.getOrDefault(group.makers().get(0), 0.0) * group.channels();
      all += group.channels();
    }
    assertThat(removed / all).isCloseTo(0.5, within(1e-6));
  }

  @Test
  void a_table_shows_the_trials_of_each_layer_together() {
    SensitivityTable table =
        new SensitivityTable(
            "prune",
            0.9,
            List.of(new Row("a", 0.5, 0.8), new Row("a", 0.9, 0.4), new Row("b", 0.5, 0.95)));
    assertThat(table.byLayer()).containsOnlyKeys("a", "b");
    assertThat(table.byLayer().get("a")).hasSize(2);
    assertThat(table.toFields()).containsKeys("method", "baseline", "rows");
  }

  private static int channels(Network network) {
    return PruningGroups.of(network.graph()).stream().mapToInt(PruningGroup::channels).sum();
  }
}
