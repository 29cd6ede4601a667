package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.tensor.LabelledBatch;
import io.stillhouse.lab.tensor.LossGradients;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.Importance;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChannelScoresTest {
  private static final long SEED = 23;

  /** Four filters of two weights each, normalised by the gammas, read by a classifier. */
  private static Network four(float[] filters, float[] gammas) {
    NetworkGraph graph =
        new NetworkGraph(
            "four",
            new ImageShape(2, 1, 1),
            2,
            List.of(
                node("input", new Layer.Input()),
                node("conv", Layer.Conv.of(2, 4, 1, 1, 1), "input"),
                node("norm", new Layer.BatchNorm(4, 0, 0.1), "conv"),
                node("flat", new Layer.Flatten(), "norm"),
                node("out", new Layer.Linear(4, 2, true), "flat")));
    Weights weights =
        Weights.builder()
            .put("conv.weight", filters, 4, 2, 1, 1)
            .put("norm.gamma", gammas, 4)
            .put("norm.beta", new float[4], 4)
            .put("norm.mean", new float[4], 4)
            .put("norm.var", new float[] {1, 1, 1, 1}, 4)
            .put("out.weight", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4)
            .put("out.bias", new float[2], 2)
            .build();
    return new Network(graph, weights);
  }

  private static double[] scores(Network network, Importance importance) {
    return ChannelScores.of(network, importance, SEED).of(PruningGroups.of(network.graph()).get(0));
  }

  @Test
  void norms_are_those_of_the_folded_filters_over_their_mean() {
    // Folded: (3, 4), (0, 6), (2, 2), (1, 0); absolute sums 7, 6, 4, 1; lengths 5, 6, sqrt 8, 1.
    Network network = four(new float[] {3, 4, 0, 3, 1, 1, 2, 0}, new float[] {1, 2, -2, 0.5f});
    double[] l1 = scores(network, Importance.L1);
    assertThat(l1).containsExactly(new double[] {7 / 4.5, 6 / 4.5, 4 / 4.5, 1 / 4.5}, within(1e-6));
    double mean = (5 + 6 + Math.sqrt(8) + 1) / 4;
    assertThat(scores(network, Importance.L2))
        .containsExactly(
            new double[] {5 / mean, 6 / mean, Math.sqrt(8) / mean, 1 / mean}, within(1e-6));
  }

  @Test
  void scales_are_absolute_gammas_and_a_layer_without_any_is_named() {
    Network network = four(new float[8], new float[] {1, 2, -3, 0.5f});
    assertThat(scores(network, Importance.BATCH_NORM_SCALE)).containsExactly(1, 2, 3, 0.5);
    assertThatThrownBy(
            () ->
                ChannelScores.of(BatchNormFolding.fold(network), Importance.BATCH_NORM_SCALE, SEED))
        .hasMessage("importance batchNormScale: no normalisation follows conv");
  }

  @Test
  void a_filter_that_others_can_replace_is_nearest_to_the_median() {
    // On a line at 0, 1, 1 and 5: sums of distances 7, 5, 5, 13, mean 7.5.
    Network network = four(new float[] {0, 0, 1, 0, 1, 0, 5, 0}, new float[] {1, 1, 1, 1});
    assertThat(scores(network, Importance.GEOMETRIC_MEDIAN))
        .containsExactly(new double[] {7 / 7.5, 5 / 7.5, 5 / 7.5, 13 / 7.5}, within(1e-6));
  }

  @Test
  void chance_follows_the_seed() {
    Network network = four(new float[8], new float[4]);
    PruningGroup group = PruningGroups.of(network.graph()).get(0);
    assertThat(ChannelScores.of(network, Importance.RANDOM, 1).of(group))
        .containsExactly(ChannelScores.of(network, Importance.RANDOM, 1).of(group))
        .isNotEqualTo(ChannelScores.of(network, Importance.RANDOM, 2).of(group));
  }

  @Test
  void a_taylor_score_is_the_squared_slope_of_the_loss_along_the_channel() {
    Network network = Networks.catalogue("separable_small", "1x28x28", 0.25, SEED);
    Network folded = BatchNormFolding.fold(network);
    LabelledBatch batch = new LabelledBatch(2, 784);
    Random random = new Random(SEED);
    for (int i = 0; i < batch.images().length; i++) {
      batch.images()[i] = (float) random.nextGaussian();
    }
    batch.labels()[0] = 3;
    batch.labels()[1] = 8;
    TensorRuntime runtime = TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
    ChannelScores scores =
        ChannelScores.taylor(network, List.of(LossGradients.of(runtime, folded, batch)));
    double largest = 0;
    for (PruningGroup group : PruningGroups.of(network.graph()).subList(2, 4)) {
      for (int c = 0; c < 3; c++) {
        double h = 1e-4;
        double up = loss(scaled(folded, group, c, 1 + h), batch);
        double down = loss(scaled(folded, group, c, 1 - h), batch);
        double slope = (up - down) / (2 * h);
        largest = Math.max(largest, Math.abs(slope));
        assertThat(Math.sqrt(scores.of(group)[c]))
            .as("channel %d of %s", c, group.makers())
            .isCloseTo(Math.abs(slope), within(1e-4 + 0.02 * Math.abs(slope)));
      }
    }
    assertThat(largest).isGreaterThan(1e-3);
  }

  private static Network scaled(Network folded, PruningGroup group, int channel, double by) {
    Weights.Builder weights = folded.weights().toBuilder();
    for (String layer :
        Stream.concat(group.makers().stream(), group.followers().stream()).toList()) {
      for (String part : List.of(".weight", ".bias")) {
        if (folded.weights().has(layer + part)) {
          float[] values = folded.weights().values(layer + part);
          int each = values.length / group.channels();
          for (int i = channel * each; i < (channel + 1) * each; i++) {
            values[i] *= (float) by;
          }
          weights.put(layer + part, values, folded.weights().shape(layer + part));
        }
      }
    }
    return new Network(folded.graph(), weights.build());
  }

  private static double loss(Network network, LabelledBatch batch) {
    double sum = 0;
    for (int i = 0; i < batch.count(); i++) {
      double[] logits =
          PlainRunner.run(network, Arrays.copyOfRange(batch.images(), i * 784, (i + 1) * 784));
      double top = Arrays.stream(logits).max().orElseThrow();
      double all = Arrays.stream(logits).map(v -> Math.exp(v - top)).sum();
      sum += Math.log(all) + top - logits[(int) batch.labels()[i]];
    }
    return sum / batch.count();
  }

  private static Node node(String name, Layer layer, String... inputs) {
    return new Node(name, layer, List.of(inputs));
  }
}
