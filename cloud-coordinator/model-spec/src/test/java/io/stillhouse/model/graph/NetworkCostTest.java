package io.stillhouse.model.graph;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetworkCostTest {
  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }

  /** 2x4x4 input (32 values), 8 channels inside a residual block (128 values), 3 classes. */
  private static NetworkGraph residual() {
    return new NetworkGraph(
        "hand",
        new ImageShape(2, 4, 4),
        3,
        List.of(
            node("input", new Layer.Input()),
            node("a", Layer.Conv.of(2, 8, 3, 1, 1), "input"),
            node("n", Layer.BatchNorm.of(8), "a"),
            node("r", new Activation(Function.RELU), "n"),
            node("b", Layer.Conv.of(8, 8, 3, 1, 8), "r"),
            node("s", new Layer.Add(), "b", "r"),
            node("p", new Layer.GlobalAveragePool(), "s"),
            node("f", new Layer.Flatten(), "p"),
            node("l", new Layer.Linear(8, 3, true), "f")));
  }

  @Test
  void counts_of_a_hand_case_are_exact() {
    NetworkCost cost = NetworkCost.of(residual());
    assertThat(cost.params()).isEqualTo(144 + 16 + 72 + 27);
    assertThat(cost.macs()).isEqualTo(144 * 16 + 72 * 16 + 24);
    assertThat(cost.layers()).hasSize(9);
    assertThat(cost.layers().get(4))
        .isEqualTo(
            new NetworkCost.LayerCost("b", "conv", new ImageShape(8, 4, 4), 72, 72 * 16, 288, 512));
    assertThat(cost.layers().stream().mapToLong(NetworkCost.LayerCost::macs).sum())
        .isEqualTo(cost.macs());
  }

  @Test
  void a_map_that_a_shortcut_still_needs_counts_as_alive() {
    // At the sum three maps of 128 values live: the shortcut, the branch and the result.
    assertThat(NetworkCost.of(residual()).activationPeakBytes()).isEqualTo(3 * 128 * 4);
  }

  @Test
  void maps_are_dropped_after_their_last_reader() {
    NetworkGraph chain =
        new NetworkGraph(
            "chain",
            new ImageShape(1, 4, 4),
            2,
            List.of(
                node("input", new Layer.Input()),
                node("a", Layer.Conv.of(1, 4, 3, 1, 1), "input"),
                node("r", new Activation(Function.RELU), "a"),
                node("b", Layer.Conv.of(4, 2, 3, 1, 1), "r"),
                node("p", new Layer.GlobalAveragePool(), "b")));
    // input 16, a and r share 64, b 32: most are alive while b is made.
    assertThat(NetworkCost.of(chain).activationPeakBytes()).isEqualTo((64 + 32) * 4);
  }

  @Test
  void an_activation_beside_another_reader_gets_a_map_of_its_own() {
    NetworkGraph split =
        new NetworkGraph(
            "split",
            new ImageShape(1, 2, 2),
            4,
            List.of(
                node("input", new Layer.Input()),
                node("a", Layer.Conv.of(1, 4, 3, 1, 1), "input"),
                node("r", new Activation(Function.RELU), "a"),
                node("s", new Layer.Add(), "a", "r"),
                node("p", new Layer.GlobalAveragePool(), "s")));
    assertThat(NetworkCost.of(split).activationPeakBytes()).isEqualTo(3 * 16 * 4);
  }

  @Test
  void int8_weights_take_a_byte_and_the_rest_four() {
    NetworkCost cost = NetworkCost.of(residual(), Precision.INT8);
    assertThat(cost.weightBytes()).isEqualTo(144 + 72 + 24 + 4 * (16 + 3));
    assertThat(cost.activationPeakBytes()).isEqualTo(3 * 128);
  }
}
