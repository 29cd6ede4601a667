package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChannelPrunerTest {
  private static final long SEED = 5;

  /** A group that has all channels of its makers and followers. */
  private static PruningGroup whole(
      int channels, List<String> makers, List<String> followers, List<String> readers) {
    List<Integer> all = IntStream.range(0, channels).boxed().toList();
    Map<String, List<Integer>> places =
        Stream.concat(makers.stream(), followers.stream())
            .collect(Collectors.toMap(name -> name, name -> all));
    return new PruningGroup(channels, makers, followers, readers, places);
  }

  @Test
  void a_residual_stage_is_one_group_from_its_first_maker_to_its_last_block() {
    List<PruningGroup> groups =
        PruningGroups.of(Networks.catalogue("resnet14", "3x16x16", 0.5, SEED).graph());
    assertThat(groups).hasSize(3 + 6);
    assertThat(groups.get(0))
        .isEqualTo(
            whole(
                8,
                List.of("stem.conv", "stage1.block0.second.conv", "stage1.block1.second.conv"),
                List.of("stem.norm", "stage1.block0.second.norm", "stage1.block1.second.norm"),
                List.of(
                    "stage1.block0.first.conv",
                    "stage1.block1.first.conv",
                    "stage2.block0.first.conv",
                    "stage2.block0.shortcut.conv")));
    assertThat(groups.get(1))
        .isEqualTo(
            whole(
                8,
                List.of("stage1.block0.first.conv"),
                List.of("stage1.block0.first.norm"),
                List.of("stage1.block0.second.conv")));
    PruningGroup last =
        groups.stream().filter(g -> g.readers().contains("classifier")).findFirst().orElseThrow();
    assertThat(last.makers())
        .containsExactly(
            "stage3.block0.second.conv",
            "stage3.block0.shortcut.conv",
            "stage3.block1.second.conv");
  }

  @Test
  void a_depthwise_convolution_follows_the_channels_that_it_works_on() {
    List<PruningGroup> groups =
        PruningGroups.of(Networks.catalogue("separable_small", "1x28x28", 0.5, SEED).graph());
    assertThat(groups).hasSize(6);
    assertThat(groups.get(1))
        .isEqualTo(
            whole(
                16,
                List.of("stage1.block0.pw.conv"),
                List.of("stage1.block0.pw.norm", "stage2.block0.dw.conv", "stage2.block0.dw.norm"),
                List.of("stage2.block0.pw.conv")));
  }

  @ParameterizedTest
  @CsvSource({
    "resnet14, 3x16x16, 0.5, 0.4, 1",
    "resnet8, 3x32x32, 0.5, 0.5, 4",
    "separable_small, 1x28x28, 0.5, 0.3, 8",
    "separable_small, 1x28x28, 1.0, 0.5, 8",
    "alexnet, 3x16x16, 0.125, 0.5, 1"
  })
  void the_compacted_network_says_what_the_masked_one_says(
      String name, String input, double width, double ratio, int roundTo) {
    Network network = Networks.catalogue(name, input, width, SEED);
    Map<PruningGroup, List<Integer>> kept = ChannelPruner.select(network, ratio, roundTo);
    Network small = ChannelPruner.compact(network, kept);
    Network masked = ChannelPruner.mask(network, kept);
    assertThat(NetworkCost.of(small.graph()).macs())
        .isLessThan((long) (0.8 * NetworkCost.of(network.graph()).macs()));
    assertThat(small.weights().count()).isLessThan(network.weights().count());
    Random random = new Random(SEED);
    for (int i = 0; i < 3; i++) {
      float[] image = Networks.image(network.graph().input(), random);
      assertThat(PlainRunner.run(small, image))
          .containsExactly(PlainRunner.run(masked, image), within(1e-5));
    }
  }

  @Test
  void features_of_a_flattened_map_go_with_their_channel() {
    NetworkGraph graph =
        new NetworkGraph(
            "flat",
            new ImageShape(2, 3, 3),
            4,
            List.of(
                node("input", new Layer.Input()),
                node("a", Layer.Conv.of(2, 6, 3, 1, 1), "input"),
                node("a_norm", Layer.BatchNorm.of(6), "a"),
                node("r", new Activation(Function.RELU), "a_norm"),
                node("f", new Layer.Flatten(), "r"),
                node("hidden", new Layer.Linear(54, 8, true), "f"),
                node("h", new Activation(Function.RELU), "hidden"),
                node("out", new Layer.Linear(8, 4, true), "h")));
    Network network = Networks.lived(RandomWeights.of(graph, SEED), SEED);
    Map<PruningGroup, List<Integer>> kept = ChannelPruner.select(network, 0.5, 1);
    Network small = ChannelPruner.compact(network, kept);
    assertThat(small.weights().shape("hidden.weight")).containsExactly(4, 27);
    float[] image = Networks.image(graph.input(), new Random(SEED));
    assertThat(PlainRunner.run(small, image))
        .containsExactly(PlainRunner.run(ChannelPruner.mask(network, kept), image), within(1e-5));
  }

  @Test
  void the_channels_with_the_smallest_filters_go() {
    Network network = Networks.catalogue("separable_small", "1x28x28", 0.5, SEED);
    float[] weight = network.weights().values("stem.conv.weight");
    float[] depthwise = network.weights().values("stage1.block0.dw.conv.weight");
    for (int c : new int[] {1, 4, 6}) {
      for (int i = 0; i < 9; i++) {
        weight[9 * c + i] *= 0.01f;
        depthwise[9 * c + i] *= 0.01f;
      }
    }
    Network weak =
        new Network(
            network.graph(),
            network.weights().toBuilder()
                .put("stem.conv.weight", weight, 8, 1, 3, 3)
                .put("stage1.block0.dw.conv.weight", depthwise, 8, 1, 3, 3)
                .build());
    assertThat(ChannelPruner.select(weak, 0.375, 1).values().iterator().next())
        .containsExactly(0, 2, 3, 5, 7);
  }

  @ParameterizedTest
  @CsvSource({
    "32, 0.4, 8, 16",
    "32, 0.3, 8, 24",
    "16, 0.9, 8, 8",
    "6, 0.5, 8, 6",
    "64, 0, 8, 64",
    "10, 0.99, 1, 1",
    "12, 0.1, 8, 8"
  })
  void rounding_never_adds_channels_and_never_leaves_none(
      int channels, double ratio, int roundTo, int kept) {
    assertThat(ChannelBudget.keep(channels, ratio, roundTo)).isEqualTo(kept);
  }

  @Test
  void a_network_whose_channels_are_all_given_from_outside_is_refused_with_the_reason() {
    NetworkGraph graph =
        new NetworkGraph(
            "bare",
            new ImageShape(2, 3, 3),
            4,
            List.of(
                node("input", new Layer.Input()),
                node("f", new Layer.Flatten(), "input"),
                node("out", new Layer.Linear(18, 4, true), "f")));
    assertThatThrownBy(() -> ChannelPruner.prune(RandomWeights.of(graph, SEED), 0.5, 1))
        .hasMessageContaining("bare cannot be pruned: none of its channels can go");
  }

  @Test
  void every_kind_of_layer_keeps_its_meaning_without_some_channels() {
    Network network = Networks.everyLayer(SEED);
    Map<PruningGroup, List<Integer>> kept = ChannelPruner.select(network, 0.5, 1);
    Network small = ChannelPruner.compact(network, kept);
    assertThat(small.weights().count()).isLessThan(network.weights().count());
    float[] image = Networks.image(network.graph().input(), new Random(SEED));
    assertThat(PlainRunner.run(small, image))
        .containsExactly(PlainRunner.run(ChannelPruner.mask(network, kept), image), within(1e-5));
  }

  @Test
  void padded_shortcuts_tie_the_first_stage_to_the_middle_of_the_later_ones() {
    Network network = Networks.catalogue("resnet20", "3x8x8", 0.25, SEED);
    List<PruningGroup> residual =
        PruningGroups.of(network.graph()).stream().filter(g -> g.makers().size() > 1).toList();
    assertThat(residual).extracting(PruningGroup::channels).containsExactly(4, 4, 8);
    PruningGroup first = residual.get(0);
    assertThat(first.places("stem.conv", 1)).containsExactly(1);
    assertThat(first.places("stage2.block0.second.conv", 1)).containsExactly(3);
    assertThat(first.places("stage3.block0.second.conv", 1)).containsExactly(7);
    assertThat(residual).extracting(PruningGroup::name).doesNotHaveDuplicates();
  }

  @Test
  void channels_behind_a_concatenation_stand_behind_those_before_them() {
    NetworkGraph graph =
        new NetworkGraph(
            "dense",
            new ImageShape(2, 3, 3),
            4,
            List.of(
                node("input", new Layer.Input()),
                node("a", Layer.Conv.of(2, 6, 3, 1, 1), "input"),
                node("b", Layer.Conv.of(6, 4, 3, 1, 1), "a"),
                node("both", new Layer.Concat(), "a", "b"),
                node("norm", Layer.BatchNorm.of(10), "both"),
                node("p", new Layer.GlobalAveragePool(), "norm"),
                node("out", new Layer.Conv(10, 4, 1, 1, 1, 0, 0, 1, true), "p")));
    List<PruningGroup> groups = PruningGroups.of(graph);
    assertThat(groups).extracting(PruningGroup::channels).containsExactly(6, 4);
    assertThat(groups.get(1).places("norm", 0)).containsExactly(6);
    assertThat(groups.get(0).readers()).containsExactly("b", "out");
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }
}
