package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Selection;
import io.stillhouse.model.recipe.Selection.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChannelBudgetTest {
  private static final long SEED = 31;

  private static Prune step(double ratio, int roundTo, Selection selection) {
    return new Prune(ratio, Importance.L1, roundTo, selection.rounds(), selection);
  }

  private static Network pruned(Network network, Prune step, int rounds) {
    ChannelBudget budget = new ChannelBudget(step, network.graph());
    Network now = network;
    for (int round = 1; round <= rounds; round++) {
      ChannelScores scores = ChannelScores.of(now, step.importance(), SEED);
      now = ChannelPruner.compact(now, ChannelPruner.select(now, budget, round, scores));
    }
    return now;
  }

  /** The channel lists of Li et al. 2017, table 1, in each block's first convolution. */
  @ParameterizedTest
  @CsvSource({
    "resnet56, 14, 28, 57, 1.7 2.0 3.0 3.8, 773336, 112.44",
    "resnet56, 6, 22, 57, 1.7 1.8 2.0 2.7 3.0 3.8, 735712, 90.91",
    "resnet110, 8, 32, 64, 1.17, 1688522, 212.78",
    "resnet110, 8, 19, 44, 1.17 2.0 3.0, 1168424, 155.12"
  })
  void published_channel_lists_give_the_published_counts(
      String name, int first, int second, int third, String whole, long params, double megamacs) {
    Network network = Networks.catalogue(name, "3x32x32", 1, SEED);
    int blocks = (name.equals("resnet56") ? 54 : 108) / 6;
    Map<String, Double> ratios = new TreeMap<>();
    Set<String> skipped = Set.of(whole.split(" "));
    int[] kept = {first, second, third};
    int[] of = {16, 32, 64};
    for (int stage = 1; stage <= 3; stage++) {
      for (int block = 0; block < blocks; block++) {
        if (!skipped.contains(stage + "." + block)) {
          ratios.put(
              "stage%d.block%d.first.conv".formatted(stage, block),
              1 - (double) kept[stage - 1] / of[stage - 1]);
        }
      }
    }
    Network small = pruned(network, step(0, 1, new Selection(Scope.LAYER, ratios, 1)), 1);
    assertCounts(small.graph(), params, megamacs);
  }

  /** VGG-16 for CIFAR-10 as Li et al. trained it: biased convolutions, one hidden layer. */
  private static NetworkGraph vgg16() {
    List<Node> nodes = new ArrayList<>();
    nodes.add(new Node("input", new Layer.Input(), List.of()));
    int[][] stages = {{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}};
    int in = 3;
    int number = 0;
    for (int[] stage : stages) {
      for (int out : stage) {
        number++;
        normalised(nodes, "conv" + number, new Layer.Conv(in, out, 3, 3, 1, 1, 1, 1, true));
        in = out;
      }
      add(nodes, "pool" + number, new Layer.MaxPool(2, 2, 0, false));
    }
    // A linear layer of 512 on a map of one pixel.
    normalised(nodes, "hidden", new Layer.Conv(512, 512, 1, 1, 1, 0, 0, 1, true));
    add(nodes, "flat", new Layer.Flatten());
    add(nodes, "out", new Layer.Linear(512, 10, true));
    return new NetworkGraph("vgg16_li", new ImageShape(3, 32, 32), 10, nodes);
  }

  private static void normalised(List<Node> nodes, String name, Layer.Conv conv) {
    add(nodes, name, conv);
    add(nodes, name + "_norm", Layer.BatchNorm.of(conv.out()));
    add(nodes, name + "_act", new Layer.Activation(Layer.Activation.Function.RELU));
  }

  private static void add(List<Node> nodes, String name, Layer layer) {
    nodes.add(new Node(name, layer, List.of(nodes.get(nodes.size() - 1).name())));
  }

  private static void assertCounts(NetworkGraph graph, long params, double megamacs) {
    NetworkCost cost = NetworkCost.of(graph);
    assertThat(cost.params()).isEqualTo(params);
    assertThat(Math.round(cost.macs() / 1e4) / 100.0).isEqualTo(megamacs);
  }

  /** Li et al. 2017, table 1: half of the first convolution and of the last six. */
  @Test
  void vgg16_pruned_as_published_has_the_published_counts() {
    NetworkGraph whole = vgg16();
    assertCounts(whole, 14_991_946, 313.46);
    Map<String, Double> ratios = new TreeMap<>();
    for (int number : new int[] {1, 8, 9, 10, 11, 12, 13}) {
      ratios.put("conv" + number, 0.5);
    }
    Prune step = step(0, 1, new Selection(Scope.LAYER, ratios, 1));
    assertCounts(pruned(RandomWeights.of(whole, SEED), step, 1).graph(), 5_399_690, 206.28);
  }

  /** The input channels that AMC (He et al. 2018) found for each layer of MobileNet V1. */
  @Test
  void mobilenet_pruned_to_the_published_channels_has_the_published_counts() {
    int[] kept = {24, 48, 96, 80, 192, 200, 328, 352, 368, 360, 328, 400, 736, 752};
    NetworkGraph whole = NetworkCatalog.build("mobilenet_v1", new ImageShape(3, 224, 224), 1000, 1);
    assertCounts(whole, 4_231_976, 568.74);
    List<PruningGroup> groups = PruningGroups.of(whole);
    assertThat(groups).hasSize(kept.length);
    Map<String, Double> ratios = new TreeMap<>();
    for (int i = 0; i < kept.length; i++) {
      ratios.put(groups.get(i).name(), 1 - (double) kept[i] / groups.get(i).channels());
    }
    Prune step = step(0, 1, new Selection(Scope.LAYER, ratios, 1));
    NetworkGraph small = pruned(RandomWeights.of(whole, SEED), step, 1).graph();
    assertThat(channels(small))
        .containsExactly(Arrays.stream(kept).boxed().toArray(Integer[]::new));
    assertCounts(small, 2_408_232, 293.87);
  }

  @Test
  void a_residual_network_pruned_by_half_is_the_one_built_at_half_width() {
    ImageShape input = new ImageShape(3, 224, 224);
    NetworkGraph whole = NetworkCatalog.build("resnet18", input, 1000, 1);
    NetworkGraph built = NetworkCatalog.build("resnet18", input, 1000, 0.5);
    Prune step = step(0.5, 1, new Selection(Scope.LAYER, Map.of(), 1));
    NetworkGraph half = pruned(RandomWeights.of(whole, SEED), step, 1).graph();
    assertThat(channels(half)).isEqualTo(channels(built));
    assertThat(NetworkCost.of(half)).isEqualTo(NetworkCost.of(built));
    assertCounts(half, 3_055_880, 483.15);
  }

  @Test
  void rounds_remove_the_same_part_of_what_is_left_and_end_at_the_ratio() {
    Network network = Networks.catalogue("resnet8", "3x32x32", 1, SEED);
    Prune step = step(0.75, 1, new Selection(Scope.LAYER, Map.of(), 2));
    assertThat(channels(pruned(network, step, 1).graph())).containsExactly(8, 8, 16, 16, 32, 32);
    assertThat(channels(pruned(network, step, 2).graph())).containsExactly(4, 4, 8, 8, 16, 16);
  }

  @Test
  void comparison_over_the_network_takes_more_where_channels_matter_less() {
    Network network = Networks.catalogue("resnet8", "3x32x32", 1, SEED);
    // The first group's channels matter a thousand times less than their layer's mean, bar one.
    float[] weight = network.weights().values("stage2.block0.first.conv.weight");
    int each = weight.length / 32;
    for (int i = each; i < weight.length; i++) {
      weight[i] *= 1e-3f;
    }
    Network skewed =
        new Network(
            network.graph(),
            network.weights().toBuilder()
                .put("stage2.block0.first.conv.weight", weight, 32, 16, 3, 3)
                .build());
    Prune step = step(0.1, 1, new Selection(Scope.GLOBAL, Map.of(), 1));
    List<Integer> before = channels(network.graph());
    List<Integer> after = channels(pruned(skewed, step, 1).graph());
    int all = before.stream().mapToInt(Integer::intValue).sum();
    assertThat(after.stream().mapToInt(Integer::intValue).sum()).isEqualTo(Math.round(0.9f * all));
    // A tenth of 32 channels, rounded up, is left at the least.
    assertThat(after.get(2)).isEqualTo(Math.max(4, 32 - (all - Math.round(0.9f * all))));
    assertThat(after.get(0)).isEqualTo(16);
  }

  @Test
  void ratios_of_single_layers_stand_in_every_scope_and_zero_protects() {
    Network network = Networks.catalogue("resnet8", "3x32x32", 1, SEED);
    Map<String, Double> wishes =
        Map.of("stage1.block0.first.conv", 0.5, "stage2.block0.first.conv", 0.0);
    for (Scope scope : List.of(Scope.LAYER, Scope.GLOBAL)) {
      List<Integer> kept =
          channels(pruned(network, step(0.25, 4, new Selection(scope, wishes, 1)), 1).graph());
      assertThat(kept.get(1)).as(scope.toString()).isEqualTo(8);
      assertThat(kept.get(2)).as(scope.toString()).isEqualTo(32);
    }
    assertThatThrownBy(
            () ->
                new ChannelBudget(
                    step(0.2, 1, new Selection(Scope.LAYER, Map.of("classifier", 0.1), 1)),
                    network.graph()))
        .hasMessageContaining("layers: [classifier] makes no channels that can go (expected: some")
        .hasMessageContaining("stage1.block0.first.conv");
  }

  @Test
  void a_protected_layer_keeps_a_count_that_rounding_would_lower() {
    Network network = Networks.catalogue("lenet5", "1x28x28", 1, SEED);
    Selection selection = new Selection(Scope.LAYER, Map.of("stage2.block0.conv", 0.0), 1);
    NetworkGraph graph = pruned(network, step(0.4, 8, selection), 1).graph();
    assertThat(((Layer.Conv) graph.node("stage2.block0.conv").layer()).out()).isEqualTo(50);
  }

  @Test
  void the_most_careful_wish_of_a_group_counts_also_beside_its_own_name() {
    Network network = Networks.catalogue("resnet20", "3x32x32", 1, SEED);
    PruningGroup first = PruningGroups.of(network.graph()).get(0);
    assertThat(first.makers().size()).isGreaterThan(1);
    Map<String, Double> wishes = Map.of(first.name(), 0.5, first.makers().get(1), 0.0);
    NetworkGraph graph =
        pruned(network, step(0.5, 1, new Selection(Scope.LAYER, wishes, 1)), 1).graph();
    assertThat(PruningGroups.of(graph).get(0).channels()).isEqualTo(first.channels());
  }

  @Test
  void groups_of_one_layer_get_the_ratios_of_their_own_names() {
    Network network = Networks.catalogue("shufflenet_v2", "3x32x32", 1, SEED);
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    String maker =
        groups.stream()
            .map(PruningGroup::name)
            .filter(name -> groups.stream().filter(g -> g.makers().contains(name)).count() > 1)
            .findFirst()
            .orElseThrow();
    List<PruningGroup> shared =
        groups.stream().filter(group -> group.makers().contains(maker)).toList();
    assertThat(shared).hasSizeGreaterThan(1);
    Map<String, Double> wishes = new HashMap<>();
    shared.forEach(group -> wishes.put(group.name(), group.name().equals(maker) ? 0.0 : 0.5));
    Prune step = step(0.5, 1, new Selection(Scope.LAYER, wishes, 1));
    Map<PruningGroup, Integer> kept =
        new ChannelBudget(step, network.graph())
            .after(1, groups, ChannelScores.of(network, step.importance(), SEED));
    for (PruningGroup group : shared) {
      assertThat(kept.get(group))
          .as(group.name())
          .isEqualTo(
              group.name().equals(maker)
                  ? group.channels()
                  : ChannelBudget.keep(group.channels(), 0.5, 1));
    }
  }

  /** Channels of each group, in order. */
  private static List<Integer> channels(NetworkGraph graph) {
    return PruningGroups.of(graph).stream().map(PruningGroup::channels).toList();
  }
}
