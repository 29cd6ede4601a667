package io.stillhouse.model.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkCatalogTest {
  private static final ImageShape CIFAR = new ImageShape(3, 32, 32);

  /** Projection shortcuts (option B): students, whose published form has padded ones. */
  @ParameterizedTest
  @CsvSource({"resnet8, 78042, 12.50", "resnet14, 175258, 26.66"})
  void short_residual_networks_project(String name, long params, String megaMacs) {
    NetworkCost cost = NetworkCost.of(NetworkCatalog.build(name, CIFAR, 10, 1.0));
    assertThat(cost.params()).isEqualTo(params);
    assertThat("%.2f".formatted(cost.macs() / 1e6)).isEqualTo(megaMacs);
    assertThat(cost.weightBytes()).isEqualTo(4 * params);
  }

  /** Every identifier that is promised, whatever else there is. */
  @Test
  void all_promised_networks_are_there() {
    String promised =
        "lenet5 alexnet vgg16 resnet18 resnet34 resnet50 resnet20 resnet32 resnet44 resnet56"
            + " resnet110 densenet121 squeezenet1_0 squeezenet1_1 xception mobilenet_v1"
            + " mobilenet_v2 mobilenet_v3_small mobilenet_v3_large shufflenet_v1 shufflenet_v2"
            + " ghostnet efficientnet_b0 mnasnet_b1 ds_cnn";
    assertThat(NetworkCatalog.names()).contains(promised.split(" ")).doesNotHaveDuplicates();
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

  /** Every family at small and odd inputs, many widths and few classes, in every combination. */
  @Test
  void every_sensible_combination_builds() {
    for (NetworkCatalog.Entry entry : NetworkCatalog.entries()) {
      for (String input : List.of("1x28x28", "3x33x47", "4x64x40", "3x96x65")) {
        for (double width : new double[] {0.25, 0.4, 0.75, 1.25, 2}) {
          ImageShape shape = ImageShape.parse(input);
          assertThat(NetworkCatalog.build(entry.name(), shape, 2, width).classes()).isEqualTo(2);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mobilenet_v2, 3x64x200, SMALL",
    "mobilenet_v2, 3x65x65, IMAGENET",
    "resnet18, 3x32x32, SMALL",
    "vgg16, 3x32x32, SMALL",
    "vgg16, 3x224x224, IMAGENET"
  })
  void the_shorter_side_decides_on_the_form(String name, String input, Stem form) {
    ImageShape shape = ImageShape.parse(input);
    Stem other = form == Stem.SMALL ? Stem.IMAGENET : Stem.SMALL;
    assertThat(NetworkCatalog.build(name, shape, 10, 1.0))
        .isEqualTo(NetworkCatalog.build(name, shape, 10, 1.0, form))
        .isNotEqualTo(NetworkCatalog.build(name, shape, 10, 1.0, other));
  }

  @Test
  void a_form_that_a_family_does_not_have_is_refused() {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet20", CIFAR, 10, 1.0, Stem.IMAGENET))
        .hasMessage("stem: imagenet (expected: auto; resnet20 has one form for all images)");
    assertThatThrownBy(() -> Stem.parse("huge"))
        .hasMessage("stem: huge (expected: auto, imagenet or small)");
  }

  @ParameterizedTest
  @CsvSource({"6x1x128, 6x1x10", "6x128x1, 6x10x1"})
  void a_window_of_one_row_or_column_gets_one_dimensional_kernels(String window, String small) {
    for (String input : List.of(window, small)) {
      NetworkCatalog.build("ds_cnn", ImageShape.parse(input), 5, 0.5).nodes().stream()
          .filter(node -> node.layer() instanceof Layer.Conv)
          .map(node -> (Layer.Conv) node.layer())
          .forEach(conv -> assertThat(Math.min(conv.kernelHeight(), conv.kernelWidth())).isOne());
    }
    assertThatThrownBy(() -> NetworkCatalog.build("resnet20", ImageShape.parse(window), 5, 1.0))
        .hasMessageContaining("too small");
  }

  @Test
  void a_window_that_does_not_fit_is_refused_in_one_line() {
    assertThatThrownBy(() -> NetworkCatalog.build("lenet5", ImageShape.parse("1x9x9"), 10, 1.0))
        .hasMessage(
            "network lenet5, node stage2.block0.conv: a window of 5 does not fit into 2 with padding 0: the input is too small for these strides");
    assertThatThrownBy(() -> NetworkCatalog.build("shufflenet_v1", CIFAR, 10, 0.05))
        .hasMessageContaining("width: 0.05")
        .hasMessageNotContaining("\n");
  }

  @Test
  void one_class_is_refused() {
    assertThatThrownBy(() -> NetworkCatalog.build("resnet8", CIFAR, 1, 1.0))
        .hasMessageContaining("classes: 1");
  }
}
