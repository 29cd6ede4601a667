package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.Decomposition.Ranks;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Compression.LowRank;
import io.stillhouse.model.recipe.Factorisation;
import io.stillhouse.model.recipe.Factorisation.Measure;
import io.stillhouse.model.recipe.Factorisation.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LowRankTest {
  private static final long SEED = 3;
  private static final ImageShape MAP = new ImageShape(256, 14, 14);

  /** The layer as a network, and as its chain, over the same image. */
  private static Network alone(Layer layer, ImageShape input, Weights weights) {
    return new Network(chainGraph(List.of(layer), input), weights);
  }

  private static NetworkGraph chainGraph(List<Layer> chain, ImageShape input) {
    List<Node> nodes = new ArrayList<>();
    nodes.add(new Node("input", new Layer.Input(), List.of()));
    for (int i = 0; i < chain.size(); i++) {
      nodes.add(new Node("l" + i, chain.get(i), List.of(i == 0 ? "input" : "l" + (i - 1))));
    }
    nodes.add(new Node("pool", new Layer.GlobalAveragePool(), List.of("l" + (chain.size() - 1))));
    Layer last = chain.get(chain.size() - 1);
    int out = last instanceof Layer.Conv conv ? conv.out() : ((Layer.Linear) last).out();
    return new NetworkGraph("chain", input, out, nodes);
  }

  private static Network chain(Decomposition decomposition, Ranks ranks, Network of) {
    List<Layer> layers = decomposition.layers(ranks);
    List<float[]> factors = decomposition.factors(ranks).weights();
    Weights.Builder weights = Weights.builder();
    for (int i = 0; i < layers.size(); i++) {
      weights.put("l" + i + ".weight", factors.get(i), ChainCost.shape(layers.get(i)));
    }
    weights.put(
        "l" + (layers.size() - 1) + ".bias",
        of.weights().values("l0.bias"),
        of.weights().shape("l0.bias"));
    return new Network(chainGraph(layers, of.graph().input()), weights.build());
  }

  private static Decomposition decomposition(Method method, Layer layer, Network of) {
    Tensor4 weight = Tensor4.of(of.weights().values("l0.weight"), of.weights().shape("l0.weight"));
    return switch (method) {
      case SVD, SPATIAL_SVD -> new MatrixDecomposition(layer, weight);
      case TUCKER2 -> new TuckerDecomposition((Layer.Conv) layer, weight);
      case CP -> new CpDecomposition((Layer.Conv) layer, weight, SEED);
    };
  }

  private static double[] run(Network network) {
    return PlainRunner.run(network, Networks.image(network.graph().input(), new Random(SEED)));
  }

  @Test
  void published_arithmetic_is_that_of_the_chains() {
    Layer.Conv conv = Layer.Conv.of(256, 256, 3, 1, 1);
    assertThat(ChainCost.weights(List.of(conv))).isEqualTo(589_824);
    assertThat(ChainCost.weights(TuckerDecomposition.layers(conv, new Ranks(64, 64))))
        .isEqualTo(16_384 + 36_864 + 16_384);
    assertThat(ChainCost.weights(CpDecomposition.layers(conv, 64))).isEqualTo(64 * 518);
    assertThat(ChainCost.weights(MatrixDecomposition.layers(conv, 64))).isEqualTo(64 * 3 * 512);
    Layer fc = new Layer.Linear(9216, 4096, true);
    assertThat(ChainCost.weights(List.of(fc))).isEqualTo(37_748_736);
    assertThat(ChainCost.weights(MatrixDecomposition.layers(fc, 256))).isEqualTo(3_407_872);
    for (List<Layer> chain :
        List.of(
            TuckerDecomposition.layers(conv, new Ranks(64, 32)),
            CpDecomposition.layers(conv, 16),
            MatrixDecomposition.layers(Layer.Conv.of(256, 64, 3, 2, 1), 16))) {
      assertThat(ChainCost.macs(chain, MAP))
          .isEqualTo(NetworkCost.of(chainGraph(chain, MAP)).macs());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SVD, 1, 1, 0",
    "SVD, 1, 2, 0",
    "SPATIAL_SVD, 3, 1, 1",
    "SPATIAL_SVD, 3, 2, 1",
    "SPATIAL_SVD, 5, 2, 0",
    "TUCKER2, 3, 1, 1",
    "TUCKER2, 3, 2, 1",
    "CP, 3, 1, 1",
    "CP, 3, 2, 1"
  })
  void at_full_rank_the_chain_says_what_the_layer_says(
      Method method, int kernel, int stride, int pad) {
    Layer layer = new Layer.Conv(4, 6, kernel, kernel, stride, pad, pad, 1, true);
    ImageShape input = new ImageShape(4, 9, 8);
    Network whole = Networks.lived(RandomWeights.of(chainGraph(List.of(layer), input), SEED), SEED);
    Decomposition decomposition = decomposition(method, layer, whole);
    Ranks full = decomposition.ranks(decomposition.levels());
    assertThat(decomposition.factors(full).energyKept()).isCloseTo(1, within(1e-6));
    assertThat(run(chain(decomposition, full, whole)))
        .containsExactly(run(whole), within(method == Method.CP ? 1e-3 : 1e-5));
    assertThat(alone(layer, input, whole.weights()).graph()).isEqualTo(whole.graph());
  }

  @Test
  void the_error_of_a_cut_matrix_is_the_energy_of_what_was_dropped() {
    Random random = new Random(SEED);
    for (int[] sides : new int[][] {{7, 12}, {12, 7}}) {
      double[][] a = new double[sides[0]][sides[1]];
      for (double[] row : a) {
        for (int j = 0; j < row.length; j++) {
          row[j] = random.nextGaussian();
        }
      }
      LowRankMatrix matrix = new LowRankMatrix(a);
      double[] energies = matrix.energies();
      assertThat(energies).isSortedAccordingTo((x, y) -> Double.compare(y, x));
      for (int rank : new int[] {1, 3, 7}) {
        double[][] left = matrix.left(rank);
        double[][] right = matrix.right(rank);
        double error = 0;
        for (int i = 0; i < sides[0]; i++) {
          for (int j = 0; j < sides[1]; j++) {
            double sum = 0;
            for (int k = 0; k < rank; k++) {
              sum += left[i][k] * right[k][j];
            }
            error += Math.pow(a[i][j] - sum, 2);
          }
        }
        double dropped = 0;
        for (int k = rank; k < energies.length; k++) {
          dropped += energies[k];
        }
        assertThat(error).isCloseTo(dropped, within(1e-9));
      }
    }
  }

  @Test
  void a_matrix_of_rank_two_is_found_to_be_one() {
    double[][] a = new double[5][6];
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 6; j++) {
        a[i][j] = (i + 1) * (j + 2) + (i - 2) * (j % 2);
      }
    }
    assertThat(new LowRankMatrix(a).rankFor(1)).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"SVD", "SPATIAL_SVD", "TUCKER2", "CP"})
  void at_least_the_energy_that_was_asked_for_is_kept(Method method) {
    int kernel = method == Method.SVD ? 1 : 3;
    Layer layer = new Layer.Conv(8, 12, kernel, kernel, 1, 0, 0, 1, true);
    Network whole =
        Networks.lived(
            RandomWeights.of(chainGraph(List.of(layer), new ImageShape(8, 4, 4)), SEED), SEED);
    Decomposition decomposition = decomposition(method, layer, whole);
    Ranks ranks = decomposition.ranksFor(0.8);
    double kept = decomposition.factors(ranks).energyKept();
    assertThat(kept).isBetween(0.8, 0.97);
    // What is claimed is what the weights give: sum of squares of the gap.
    if (method == Method.SVD) {
      List<float[]> factors = decomposition.factors(ranks).weights();
      float[] weight = whole.weights().values("l0.weight");
      double gap = 0;
      double all = 0;
      for (int o = 0; o < 12; o++) {
        for (int i = 0; i < 8; i++) {
          double sum = 0;
          for (int k = 0; k < ranks.in(); k++) {
            sum += factors.get(1)[o * ranks.in() + k] * factors.get(0)[k * 8 + i];
          }
          gap += Math.pow(weight[o * 8 + i] - sum, 2);
          all += Math.pow(weight[o * 8 + i], 2);
        }
      }
      assertThat(1 - gap / all).isCloseTo(kept, within(1e-5));
    }
  }

  @Test
  void a_bound_on_the_rank_that_keeps_too_little_leaves_the_layer() {
    Layer.Conv conv = Layer.Conv.of(16, 16, 3, 1, 1);
    ImageShape input = new ImageShape(16, 7, 7);
    Network whole = RandomWeights.of(chainGraph(List.of(conv), input), SEED);
    Tensor4 weight =
        Tensor4.of(whole.weights().values("l0.weight"), whole.weights().shape("l0.weight"));
    CpDecomposition bounded = new CpDecomposition(conv, weight, SEED, 6);
    double kept = bounded.factors(bounded.ranks(6)).energyKept();
    assertThat(kept).isBetween(0.05, 0.6);

    RankChoice choice = new RankChoice(conv, bounded, input);
    assertThat(choice.of(new Factorisation(Method.CP, Measure.ENERGY, 0.9))).isEmpty();
    assertThat(choice.reason())
        .isEqualTo(
            "rank 6, the highest that is tried, keeps %.4f of the energy, less than 0.9"
                .formatted(kept));

    RankChoice modest = new RankChoice(conv, bounded, input);
    RankChoice.Chosen chosen =
        modest.of(new Factorisation(Method.CP, Measure.ENERGY, kept - 0.01)).orElseThrow();
    assertThat(chosen.factors().energyKept()).isGreaterThanOrEqualTo(kept - 0.01);
    assertThat(modest.reason()).isEmpty();
  }

  private static LowRankStep step(Network teacher) {
    var data = DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(32, 32);
    return new LowRankStep(
        new StepContext(
            (start, followed, plan, progress) -> start,
            data,
            new StoredModel(
                teacher,
                data.labels(),
                Preprocessing.measured(data.train()),
                new Provenance("", "", Map.of(), SEED, Map.of())),
            SEED));
  }

  private static LowRank lowRank(Method method, Measure measure, double kept) {
    return new LowRank(new Factorisation(method, measure, kept), 0);
  }

  @ParameterizedTest
  @CsvSource({
    "resnet14, TUCKER2, 0.6",
    "resnet14, SPATIAL_SVD, 0.6",
    "resnet8, CP, 0.3",
    "separable_small, SVD, 0.7"
  })
  void a_network_of_chains_takes_its_share_and_its_file_says_the_same(
      String name, Method method, double share) {
    Network network = Networks.catalogue(name, "1x28x28", 0.5, SEED);
    LowRankStep.Factorised made =
        step(network).run(network, lowRank(method, Measure.MACS, share), Progress.none());
    long before = NetworkCost.of(network.graph()).macs();
    long after = NetworkCost.of(made.network().graph()).macs();
    assertThat((double) after / before).isLessThan(method == Method.SVD ? 0.9 : share + 0.1);
    long saved = 0;
    for (Map<String, Object> row : made.layers()) {
      if (row.containsKey("ranks")) {
        saved +=
            (Long) row.getOrDefault("macsBefore", 0L) - (Long) row.getOrDefault("macsAfter", 0L);
      }
    }
    assertThat(before - after).isEqualTo(saved);
    Random random = new Random(SEED);
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(made.network()))) {
      for (int i = 0; i < 2; i++) {
        float[] image = Networks.image(network.graph().input(), random);
        double[] expected = PlainRunner.run(made.network(), image);
        float[] actual = model.run(image);
        for (int c = 0; c < expected.length; c++) {
          assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-3));
        }
      }
    }
  }

  @Test
  void the_last_layer_of_a_chain_can_become_a_chain_itself() {
    Network network = Networks.catalogue("resnet14", "1x28x28", 0.5, SEED);
    Network once =
        step(network)
            .run(network, lowRank(Method.TUCKER2, Measure.MACS, 0.6), Progress.none())
            .network();
    Network twice =
        step(once).run(once, lowRank(Method.SVD, Measure.MACS, 0.5), Progress.none()).network();
    assertThat(twice.graph().nodes().stream().map(Node::name))
        .doesNotHaveDuplicates()
        .anyMatch(name -> name.endsWith(".part3"));
    assertThat(NetworkCost.of(twice.graph()).macs())
        .isLessThan(NetworkCost.of(once.graph()).macs());
    float[] image = Networks.image(network.graph().input(), new Random(SEED));
    double[] expected = PlainRunner.run(twice, image);
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(twice))) {
      float[] actual = model.run(image);
      for (int c = 0; c < expected.length; c++) {
        assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-3));
      }
    }
  }

  @Test
  void what_would_not_become_cheaper_is_left_and_said() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    LowRankStep.Factorised made =
        step(network).run(network, lowRank(Method.TUCKER2, Measure.MACS, 0.2), Progress.none());
    assertThat(made.layers().get(0)).containsEntry("layer", "stem.conv").containsKey("kept");
    assertThatThrownBy(
            () ->
                step(network)
                    .run(network, lowRank(Method.TUCKER2, Measure.ENERGY, 0.9999), Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("recipe step lowRank: no layer becomes cheaper; the first, stem.conv")
        .hasMessageNotContaining("\n");
    Network linear =
        Networks.lived(
            RandomWeights.of(
                new NetworkGraph(
                    "flat",
                    new ImageShape(1, 28, 28),
                    10,
                    List.of(
                        new Node("input", new Layer.Input(), List.of()),
                        new Node("flat", new Layer.Flatten(), List.of("input")),
                        new Node("out", new Layer.Linear(784, 10, true), List.of("flat")))),
                SEED),
            SEED);
    assertThatThrownBy(
            () ->
                step(linear).run(linear, lowRank(Method.CP, Measure.ENERGY, 0.5), Progress.none()))
        .hasMessageContaining("network flat has no layer that cp is for");
  }
}
