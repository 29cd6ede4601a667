package io.stillhouse.model.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkCatalogTest {
  private static final ImageShape CIFAR = new ImageShape(3, 32, 32);

  /** Projection shortcuts (option B); the counts of osmr/imgclsmob where it has the network. */
  @ParameterizedTest
  @CsvSource({
    "resnet8, 78042, 12.50",
    "resnet14, 175258, 26.66",
    "resnet20, 272474, 40.81",
    "resnet32, 466906, 69.12",
    "resnet44, 661338, 97.44",
    "resnet56, 855770, 125.75",
    "resnet110, 1730714, 253.15"
  })
  void cifar_residual_networks_have_their_published_counts(
      String name, long params, String megaMacs) {
    NetworkCost cost = NetworkCost.of(NetworkCatalog.build(name, CIFAR, 10, 1.0));
    assertThat(cost.params()).isEqualTo(params);
    assertThat("%.2f".formatted(cost.macs() / 1e6)).isEqualTo(megaMacs);
    assertThat(cost.weightBytes()).isEqualTo(4 * params);
  }

  @ParameterizedTest
  @CsvSource({"resnet20, 278324", "resnet32, 472756", "resnet56, 861620", "resnet110, 1736564"})
  void cifar_100_heads_have_their_published_counts(String name, long params) {
    NetworkCost cost = NetworkCost.of(NetworkCatalog.build(name, CIFAR, 100, 1.0));
    assertThat(cost.params()).isEqualTo(params);
  }

  /**
   * The published counts have padded shortcuts (5,006, 19,218, 42,646); projections come on top.
   */
  @ParameterizedTest
  @CsvSource({"0.25, 5214", "0.5, 19954", "0.75, 44230"})
  void resnet8_keeps_exact_channels_at_quarter_widths(double width, long params) {
    NetworkCost cost = NetworkCost.of(NetworkCatalog.build("resnet8", CIFAR, 10, width));
    assertThat(cost.params()).isEqualTo(params);
  }

  @ParameterizedTest
  @CsvSource({"1x28x28", "3x32x32", "3x48x48", "3x64x64"})
  void the_small_separable_student_stays_within_its_cost_range(String input) {
    NetworkCost cost =
        NetworkCost.of(NetworkCatalog.build("separable_small", ImageShape.parse(input), 10, 1.0));
    assertThat(cost.macs()).isBetween(2_000_000L, 5_000_000L);
  }

  @Test
  void the_small_separable_student_has_its_counts() {
    NetworkCost cost =
        NetworkCost.of(NetworkCatalog.build("separable_small", new ImageShape(1, 28, 28), 10, 1.0));
    assertThat(cost.params()).isEqualTo(36_874);
    assertThat(cost.macs()).isEqualTo(3_290_944);
  }

  @ParameterizedTest
  @CsvSource({"0.1", "0.3", "0.37", "0.5", "0.9", "1.3"})
  void scaled_channels_are_multiples_of_eight(double width) {
    NetworkCatalog.build("separable_small", CIFAR, 10, width).nodes().stream()
        .filter(node -> node.layer() instanceof Layer.Conv)
        .map(node -> (Layer.Conv) node.layer())
        .forEach(conv -> assertThat(conv.out() % 8).isZero());
  }

  @Test
  void a_name_and_its_arguments_always_give_the_same_graph() {
    assertThat(NetworkCatalog.build("separable_small", CIFAR, 7, 0.5))
        .isEqualTo(NetworkCatalog.build("separable_small", CIFAR, 7, 0.5));
  }

  @Test
  void every_entry_builds_with_its_own_defaults() {
    for (NetworkCatalog.Entry entry : NetworkCatalog.entries()) {
      assertThat(NetworkCatalog.build(entry.name(), entry.input(), entry.classes(), 1.0).name())
          .isEqualTo(entry.name());
    }
  }

  @Test
  void an_unknown_name_is_refused_with_the_known_ones() {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet21", CIFAR, 10, 1.0))
        .hasMessageContaining("resnet21 is not known")
        .hasMessageContaining("resnet8, resnet14")
        .hasMessageContaining("separable_small")
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource({"0", "-1", "NaN", "8.1"})
  void a_width_that_makes_no_network_is_refused(double width) {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet8", CIFAR, 10, width))
        .hasMessageContaining("width: ");
  }

  @Test
  void an_input_too_small_for_the_strides_is_refused() {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet8", new ImageShape(3, 3, 32), 10, 1.0))
        .hasMessage(
            "input: 3x3x32 is too small for resnet8, whose strides divide each side by 4 (expected: sides >= 4)");
  }

  @Test
  void one_class_is_refused() {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet8", CIFAR, 1, 1.0))
        .hasMessageContaining("classes: 1");
  }
}
