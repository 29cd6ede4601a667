package io.stillhouse.model.redesign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.network.NetworkRequest;
import io.stillhouse.model.network.Stem;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedesignTest {
  private static final ImageShape CIFAR = new ImageShape(3, 32, 32);

  /** A stem, one convolution of {@code in} to {@code out} channels on an 8x8 map, a classifier. */
  private static NetworkGraph one(int in, int out, int kernel, int stride) {
    return new NetworkGraph(
        "one",
        new ImageShape(3, 8, 8),
        10,
        List.of(
            node("input", new Layer.Input()),
            node("stem", Layer.Conv.of(3, in, 3, 1, 1), "input"),
            node("body.conv", Layer.Conv.of(in, out, kernel, stride, 1), "stem"),
            node("body.norm", Layer.BatchNorm.of(out), "body.conv"),
            node("body.act", new Activation(Function.RELU6), "body.norm"),
            node("pool", new Layer.GlobalAveragePool(), "body.act"),
            node("classifier", new Layer.Linear(out, 10, true), "pool")));
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }

  /**
   * Multiply-accumulates of the rewritten convolution by hand: the original is kernel^2 * in * out
   * at each of its output pixels, 64 at stride 1 and 16 at stride 2.
   */
  @ParameterizedTest
  @CsvSource({
    "16, 32, 5, 1, kernel-split, 64 * (9 * 16 * 16 + 9 * 16 * 32), 442368",
    "16, 16, 7, 1, kernel-split, 64 * 3 * 9 * 16 * 16, 442368",
    "16, 32, 3, 1, kernel-pointwise, 64 * 16 * 32, 32768",
    "16, 32, 3, 1, squeeze:4, 64 * (16 * 4 + 9 * 4 * 32), 77824",
    "16, 32, 3, 2, bottleneck:4, 64 * 16 * 8 + 16 * (9 * 8 * 8 + 8 * 32), 21504",
    "16, 32, 3, 2, separable, 16 * (9 * 16 + 16 * 32), 10496",
    "16, 32, 3, 1, spatial, 64 * (3 * 16 * 16 + 3 * 16 * 32), 147456",
    "16, 32, 3, 1, group:4, 64 * 9 * 4 * 32, 73728",
    "16, 32, 3, 1, ghost, 64 * (9 * 16 * 16 + 9 * 16), 156672"
  })
  void a_rewritten_convolution_costs_what_its_formula_says(
      int in, int out, int kernel, int stride, String strategy, String formula, long macs) {
    NetworkGraph before = one(in, out, kernel, stride);
    Redesign redesign = Redesign.of(before, DesignStrategy.parse(strategy));
    assertThat(redesign.changed()).containsExactly("body.conv");
    long rest = 64L * 27 * in + 10L * out;
    assertThat(redesign.costAfter().macs() - rest).as(formula).isEqualTo(macs);
    assertThat(redesign.costAfter().macs()).isLessThan(redesign.costBefore().macs());
    assertThat(redesign.after().shapes().get("body.act"))
        .isEqualTo(before.shapes().get("body.act"));
    assertThat(redesign.after().name()).isEqualTo("one+" + strategy);
  }

  @Test
  void what_is_put_in_front_is_normalised_and_bent_like_what_it_serves() {
    Redesign redesign = Redesign.of(one(16, 32, 3, 1), DesignStrategy.parse("separable"));
    assertThat(redesign.after().nodes())
        .extracting(Node::name)
        .containsExactly(
            "input",
            "stem",
            "body.dw.conv",
            "body.dw.norm",
            "body.dw.act",
            "body.conv",
            "body.norm",
            "body.act",
            "pool",
            "classifier");
    assertThat(redesign.after().node("body.dw.act").layer())
        .isEqualTo(new Activation(Function.RELU6));
  }

  @ParameterizedTest
  @ValueSource(strings = {"squeeze:2", "bottleneck:2", "separable", "spatial", "group:2", "ghost"})
  void residual_networks_become_cheaper_and_keep_their_shapes(String strategy) {
    NetworkGraph before = NetworkCatalog.build("resnet20", CIFAR, 10, 1);
    Redesign redesign = Redesign.of(before, DesignStrategy.parse(strategy));
    assertThat(redesign.costAfter().macs()).isLessThan(redesign.costBefore().macs());
    assertThat(redesign.changed()).hasSizeBetween(17, 18);
    for (Node node : before.nodes()) {
      if (node.name().endsWith(".act") || node.name().endsWith(".add")) {
        assertThat(redesign.after().shapes().get(node.name()))
            .isEqualTo(before.shapes().get(node.name()));
      }
    }
  }

  @Test
  void strategies_are_applied_in_order_and_a_width_by_the_familys_table() {
    NetworkRequest request = new NetworkRequest("resnet20", CIFAR, 10, 1, Stem.AUTO);
    List<Redesign> steps =
        Redesign.chain(
            request, List.of(DesignStrategy.parse("separable"), DesignStrategy.parse("width:0.5")));
    assertThat(steps.get(1).before()).isEqualTo(steps.get(0).after());
    assertThat(steps.get(1).costAfter().params())
        .isEqualTo(
            Redesign.of(request.atWidth(0.5).build(), DesignStrategy.parse("separable"))
                .costAfter()
                .params());
    assertThat(steps.get(1).after().name()).isEqualTo("resnet20+separable+width:0.5");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mobilenet_v1 | separable    | strategy separable changes nothing in mobilenet_v1: it has no dense convolutions of 3x3 or more that would become cheaper",
        "resnet20     | kernel-split | strategy kernel-split changes nothing in resnet20: it has no convolutions larger than 3x3 that would become cheaper",
        "resnet20     | group:64     | strategy group:64 changes nothing in resnet20: it has no dense convolutions whose channels the groups divide that would become cheaper"
      })
  void a_strategy_without_a_subject_is_refused_with_the_reason(
      String name, String strategy, String message) {
    NetworkGraph graph = NetworkCatalog.build(name, CIFAR, 10, name.equals("resnet20") ? 0.5 : 1);
    assertThatThrownBy(() -> Redesign.of(graph, DesignStrategy.parse(strategy)))
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fold        | strategy: fold (expected: one of kernel-split, kernel-pointwise, squeeze, bottleneck, separable, spatial, group, ghost, width)",
        "squeeze:0   | strategy squeeze: 0.0 (expected: a whole number from 2 to 64)",
        "squeeze:2.5 | strategy squeeze: 2.5 (expected: a whole number from 2 to 64)",
        "group:two   | strategy group: two (expected: a whole number from 2 to 64)",
        "width:1.5   | strategy width: 1.5 (expected: 0 < number <= 1)",
        "ghost:3     | strategy ghost:3 (expected: ghost without a number)"
      })
  void a_strategy_that_does_not_parse_is_refused_in_one_line(String text, String message) {
    assertThatThrownBy(() -> DesignStrategy.parse(text)).hasMessage(message);
  }
}
