package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.Int8Weights;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Equalisation and bias correction, on every kind of convolution. */
class QuantizationRepairTest {
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);
  private static final long SEED = 19;

  private static List<float[]> images(int count) {
    return StudentFolder.spread(DATA.train(), count, Preprocessing.measured(DATA.train()));
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }

  private static Layer relu() {
    return new Activation(Function.RELU);
  }

  /** A convolution without padding and with a bias. */
  private static Layer conv(int in, int out, int kernel, int groups) {
    return new Layer.Conv(in, out, kernel, kernel, 1, 0, 0, groups, true);
  }

  @Test
  void equalisation_changes_no_output_and_evens_out_the_ranges() {
    Network folded = BatchNormFolding.fold(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED));
    float[] weight = folded.weights().values("stage1.block0.first.conv.weight");
    int each = weight.length / 8;
    for (int i = 0; i < each; i++) {
      weight[i] *= 50;
    }
    Network skewed =
        new Network(
            folded.graph(),
            folded.weights().toBuilder()
                .put("stage1.block0.first.conv.weight", weight, 8, 8, 3, 3)
                .build());
    Network even = CrossLayerEqualisation.equalise(skewed);
    assertThat(CrossLayerEqualisation.pairs(folded.graph()))
        .contains(
            new CrossLayerEqualisation.Pair(
                "stage1.block0.first.conv", "stage1.block0.second.conv"));
    for (float[] image : images(2)) {
      double[] expected = PlainRunner.run(skewed, image);
      double largest = Arrays.stream(expected).map(Math::abs).max().orElse(1);
      assertThat(PlainRunner.run(even, image)).containsExactly(expected, within(1e-4 * largest));
    }
    float[] first = even.weights().values("stage1.block0.first.conv.weight");
    float[] second = even.weights().values("stage1.block0.second.conv.weight");
    for (int c = 0; c < 8; c++) {
      float one = 0;
      float two = 0;
      for (int i = 0; i < each; i++) {
        one = Math.max(one, Math.abs(first[c * each + i]));
      }
      for (int o = 0; o < 8; o++) {
        for (int k = 0; k < 9; k++) {
          two = Math.max(two, Math.abs(second[(o * 8 + c) * 9 + k]));
        }
      }
      assertThat(one).isCloseTo(two, within(1e-3f * two));
    }
  }

  @Test
  void pairs_with_a_clamp_between_them_are_left_alone_and_the_note_says_so() {
    Network network = Networks.catalogue("separable_small", "1x28x28", 0.5, SEED);
    NetworkGraph graph = BatchNormFolding.fold(network).graph();
    assertThat(CrossLayerEqualisation.pairs(graph)).isEmpty();
    Map<String, Object> note = CrossLayerEqualisation.note(graph);
    assertThat(note).containsEntry("pairs", 0);
    assertThat(String.valueOf(note.get("leftAlone")))
        .matches("\\d+ in front of relu6; 1 with no layer behind");
    StoredModel teacher = Networks.stored(network, DATA, SEED);
    RecipeRun run = new RecipeRun((start, t, plan, progress) -> start, DATA, teacher, SEED);
    Quantize step =
        new Quantize(
            Precision.INT8,
            Calibration.MIN_MAX,
            Quantize.Mode.PTQ,
            0,
            new Quantize.Repairs(true, false, 1));
    RecipeRun.Result made = run.run(new CompressionRecipe(SEED, List.of(step)), Progress.none());
    assertThat(made.notes()).containsEntry("step1.equalise", note);
  }

  @Test
  void a_corrected_bias_takes_the_mean_error_out_of_the_first_layer() {
    Network folded = BatchNormFolding.fold(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED));
    // Centre of the kernel alone, so that padding plays no part.
    float[] weight = folded.weights().values("stem.conv.weight");
    for (int i = 0; i < weight.length; i++) {
      weight[i] = i % 9 == 4 ? weight[i] : i % 9 == 0 ? 127 * 0.7f : 0;
    }
    Network network =
        new Network(
            folded.graph(),
            folded.weights().toBuilder().put("stem.conv.weight", weight, 8, 1, 3, 3).build());
    Network corrected = BiasCorrection.correct(network, images(32));
    float[] rounded = Int8Weights.rounded(weight, 8);
    double mean = 0;
    for (float[] image : images(32)) {
      for (float value : image) {
        mean += (double) value / image.length / 32;
      }
    }
    for (int c = 0; c < 8; c++) {
      double error = 0;
      for (int k = 0; k < 9; k++) {
        error += ((double) rounded[9 * c + k] - weight[9 * c + k]) * mean;
      }
      assertThat(
              (double) corrected.weights().values("stem.conv.bias")[c]
                  - network.weights().values("stem.conv.bias")[c])
          .isCloseTo(-error, within(1e-5));
    }
  }

  @Test
  void equalisation_goes_through_depthwise_layers_and_stops_in_front_of_grouped_ones() {
    NetworkGraph graph =
        new NetworkGraph(
            "kinds",
            new ImageShape(4, 6, 6),
            3,
            List.of(
                node("input", new Layer.Input()),
                node("grouped", conv(4, 8, 1, 2), "input"),
                node("grouped_act", relu(), "grouped"),
                node("depthwise", conv(8, 8, 3, 8), "grouped_act"),
                node("depthwise_act", relu(), "depthwise"),
                node("pointwise", conv(8, 4, 1, 1), "depthwise_act"),
                node("pointwise_act", relu(), "pointwise"),
                node("halves", conv(4, 4, 1, 2), "pointwise_act"),
                node("halves_act", relu(), "halves"),
                node("pool", new Layer.GlobalAveragePool(), "halves_act"),
                node("flat", new Layer.Flatten(), "pool"),
                node("out", new Layer.Linear(4, 3, true), "flat")));
    Network plain = Networks.lived(RandomWeights.of(graph, SEED), SEED);
    // Channels of each layer from a small to a large one.
    Weights.Builder weights = plain.weights().toBuilder();
    for (String name : List.of("grouped", "depthwise", "pointwise", "halves")) {
      float[] values = plain.weights().values(name + ".weight");
      int channels = plain.weights().shape(name + ".weight")[0];
      int each = values.length / channels;
      for (int i = 0; i < values.length; i++) {
        values[i] *= (float) Math.pow(3, i / each % 4);
      }
      weights.put(name + ".weight", values, plain.weights().shape(name + ".weight"));
    }
    Network skewed = new Network(graph, weights.build());
    assertThat(CrossLayerEqualisation.pairs(graph))
        .containsExactly(
            new CrossLayerEqualisation.Pair("grouped", "depthwise"),
            new CrossLayerEqualisation.Pair("depthwise", "pointwise"),
            new CrossLayerEqualisation.Pair("halves", "out"));
    assertThat(CrossLayerEqualisation.note(graph))
        .containsEntry("pairs", 3)
        .containsEntry("leftAlone", "1 in front of groups; 1 with no layer behind");
    Network even = CrossLayerEqualisation.equalise(skewed);
    for (long seed = 1; seed <= 3; seed++) {
      float[] image = Networks.image(graph.input(), new Random(seed));
      double[] expected = PlainRunner.run(skewed, image);
      double largest = Arrays.stream(expected).map(Math::abs).max().orElse(1);
      assertThat(PlainRunner.run(even, image)).containsExactly(expected, within(1e-5 * largest));
    }
    for (int c = 0; c < 8; c++) {
      float grouped = largest(even, "grouped", c, 2, 1);
      float depthwise = largest(even, "depthwise", c, 9, 1);
      float pointwise = largest(even, "pointwise", c, 1, 8);
      assertThat(depthwise).isCloseTo(grouped, within(1e-3f * grouped));
      assertThat(pointwise).isCloseTo(depthwise, within(1e-3f * depthwise));
    }
  }

  /**
   * Largest weight of a channel.
   *
   * @param each weights of the channel in a row
   * @param stride weights from one row to the next; 1 for a channel that is one row
   */
  private static float largest(Network network, String layer, int channel, int each, int stride) {
    float[] values = network.weights().values(layer + ".weight");
    float largest = 0;
    if (stride == 1) {
      for (int i = channel * each; i < (channel + 1) * each; i++) {
        largest = Math.max(largest, Math.abs(values[i]));
      }
    } else {
      for (int i = channel; i < values.length; i += stride) {
        largest = Math.max(largest, Math.abs(values[i]));
      }
    }
    return largest;
  }

  /**
   * Each kernel has 127 in it, so that its scale is 1 and rounding takes a quarter off every other
   * weight. Small numbers, so that every sum is exact.
   */
  @Test
  void a_corrected_bias_takes_the_mean_error_out_of_depthwise_and_grouped_layers() {
    NetworkGraph graph =
        new NetworkGraph(
            "kinds",
            new ImageShape(4, 3, 3),
            2,
            List.of(
                node("input", new Layer.Input()),
                node("depthwise", conv(4, 4, 3, 4), "input"),
                node("grouped", conv(4, 4, 1, 2), "depthwise"),
                node("flat", new Layer.Flatten(), "grouped"),
                node("out", new Layer.Linear(4, 2, true), "flat")));
    float[] depthwise = new float[36];
    for (int c = 0; c < 4; c++) {
      depthwise[9 * c] = 127;
      depthwise[9 * c + 1] = 2.25f;
      depthwise[9 * c + 8] = c % 2 == 0 ? 1.25f : 0;
    }
    float[] grouped = {127, 0.25f, 1.25f, 127, 127, 2.25f, 0, 127};
    Network network =
        new Network(
            graph,
            Weights.builder()
                .put("depthwise.weight", depthwise, 4, 1, 3, 3)
                .put("depthwise.bias", new float[] {1, 2, 3, 4}, 4)
                .put("grouped.weight", grouped, 4, 2, 1, 1)
                .put("grouped.bias", new float[4], 4)
                .put("out.weight", new float[] {127, 127, 127, 127, 0, 0, 0, 127}, 2, 4)
                .put("out.bias", new float[] {5, 6}, 2)
                .build());
    // Two images whose channels are 1, 2, 3, 4 and 3, 4, 5, 6: means 2, 3, 4, 5.
    float[] first = new float[36];
    float[] second = new float[36];
    for (int i = 0; i < 36; i++) {
      first[i] = 1 + i / 9;
      second[i] = 3 + i / 9;
    }
    Network corrected = BiasCorrection.correct(network, List.of(first, second));
    // Two errors of a quarter in even channels, one in odd ones, times the channel's mean.
    assertThat(corrected.weights().values("depthwise.bias"))
        .containsExactly(1 + 0.5f * 2, 2 + 0.25f * 3, 3 + 0.5f * 4, 4 + 0.25f * 5);
    // What the depthwise layer gives on average: its kernel's sum times the mean, and its bias.
    float[] means = {130.5f * 2 + 1, 129.25f * 3 + 2, 130.5f * 4 + 3, 129.25f * 5 + 4};
    assertThat(corrected.weights().values("grouped.bias"))
        .containsExactly(0.25f * means[1], 0.25f * means[0], 0.25f * means[3], 0);
    // Weights that rounding leaves alone.
    assertThat(corrected.weights().values("out.bias")).containsExactly(5, 6);
  }
}
