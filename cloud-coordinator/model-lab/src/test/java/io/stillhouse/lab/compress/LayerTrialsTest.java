package io.stillhouse.lab.compress;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayerTrialsTest {
  private static final long SEED = 12;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(256, 64);

  private static StoredModel stored(Network network) {
    return Networks.stored(network, DATA, SEED);
  }

  private static RecipeRun.Result run(Network network, String step) {
    // Nothing is trained, so what a step makes of a network is known.
    return new RecipeRun((start, teacher, plan, at) -> start, DATA, stored(network), SEED)
        .run(RecipeYaml.parse("r.yaml", "steps:\n  - " + step + "\n"), Progress.none());
  }

  private static Map<?, ?> table(RecipeRun.Result made) {
    return (Map<?, ?>) requireNonNull(made.notes().get("step1.sensitivity"));
  }

  private static List<Map<?, ?>> rows(Map<?, ?> table) {
    List<Map<?, ?>> rows = new ArrayList<>();
    ((List<?>) requireNonNull(table.get("rows"))).forEach(row -> rows.add((Map<?, ?>) row));
    return rows;
  }

  /** A network of one layer that knows what it does: the class with the nearest mean image. */
  private static Network nearestMean() {
    Preprocessing preprocessing = Preprocessing.measured(DATA.train());
    int pixels = Math.toIntExact(DATA.shape().elements());
    float[] weight = new float[10 * pixels];
    int[] counts = new int[10];
    for (int i = 0; i < DATA.train().count(); i++) {
      float[] image = Evaluator.input(DATA.train(), i, preprocessing);
      int label = DATA.train().label(i);
      counts[label]++;
      for (int p = 0; p < pixels; p++) {
        weight[label * pixels + p] += image[p];
      }
    }
    float[] bias = new float[10];
    for (int at = 0; at < weight.length; at++) {
      weight[at] /= counts[at / pixels];
      bias[at / pixels] -= weight[at] * weight[at] / 2;
    }
    NetworkGraph graph =
        new NetworkGraph(
            "mean",
            DATA.shape(),
            10,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("flat", new Layer.Flatten(), List.of("input")),
                new Node("out", new Layer.Linear(pixels, 10, true), List.of("flat"))));
    Weights weights =
        Weights.builder().put("out.weight", weight, 10, pixels).put("out.bias", bias, 10).build();
    return new Network(graph, weights);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lowRank: {method: svd, energyKept: 0.3} | lowRank",
        "sparsify: {ratio: 0.97} | sparsify",
        "cluster: {bits: 2} | cluster",
      })
  void with_a_single_layer_the_trial_is_the_step_itself(String step, String method) {
    Network network = nearestMean();
    RecipeRun.Result made = run(network, step);
    Validation validation = new Validation(DATA, stored(network).preprocessing());
    Map<?, ?> table = table(made);
    assertThat(table.get("method")).isEqualTo(method);
    assertThat(table.get("baseline"))
        .isEqualTo(validation.accuracy(OnnxExporter.fp32(network)))
        .isNotEqualTo(rows(table).get(0).get("accuracy"));
    assertThat(rows(table)).hasSize(1);
    assertThat(rows(table).get(0).get("layer")).isEqualTo("out");
    assertThat(rows(table).get(0).get("accuracy"))
        .isEqualTo(validation.accuracy(OnnxExporter.fp32(made.network())));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Names of layers, how many of them, and how hard the first was compressed.
        "prune: {ratio: 0.5, roundTo: 1} | 6 | 0.5",
        "prune: {ratio: 0.5, roundTo: 1, importance: random, rounds: 2, epochs: 2} | 6 | 0.5",
        "sparsify: {ratio: 0.5} | 10 | 0.5",
        // Its first layer reads a single channel, which this pattern leaves as it is.
        "sparsify: {pattern: '2:4'} | 9 | 0.5",
        "cluster: {bits: 3} | 10 | 3",
        "quantize: {calibration: minMax} | 10 | 8",
      })
  void every_step_says_what_each_layer_costs(String step, int layers, double setting) {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    List<Map<?, ?>> rows = rows(table(run(network, step)));
    assertThat(rows).hasSize(layers);
    assertThat(rows.stream().map(row -> row.get("layer"))).doesNotHaveDuplicates();
    assertThat(rows.get(0).get("setting")).isEqualTo(setting);
  }

  @Test
  void layers_that_a_step_left_alone_are_not_tried() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.5, SEED);
    RecipeRun.Result made = run(network, "lowRank: {method: svd, macsKept: 0.14}");
    List<?> all = (List<?>) requireNonNull(made.notes().get("step1.lowRank"));
    List<Object> factorised = new ArrayList<>();
    for (Object row : all) {
      if (((Map<?, ?>) row).containsKey("ranks")) {
        factorised.add(requireNonNull(((Map<?, ?>) row).get("layer")));
      }
    }
    assertThat(factorised).isNotEmpty().hasSizeLessThan(all.size());
    List<Map<?, ?>> rows = rows(table(made));
    assertThat(rows.stream().<Object>map(row -> row.get("layer")).toList()).isEqualTo(factorised);
    assertThat((double) requireNonNull(rows.get(0).get("setting"))).isBetween(0.05, 0.95);
  }

  @Test
  void new_networks_and_half_precision_have_no_layers_to_try() {
    Network network = Networks.catalogue("resnet8", "1x28x28", 0.25, SEED);
    assertThat(run(network, "distill: {student: same, epochs: 1}").notes()).isEmpty();
    assertThat(run(network, "quantize: {precision: fp16}").notes()).isEmpty();
  }

  @Test
  void large_networks_are_judged_by_fewer_images() {
    assertThat(LayerTrials.images(1_000_000, 10)).isEqualTo(Validation.IMAGES);
    assertThat(LayerTrials.images(100_000_000, 19)).isEqualTo(250);
    assertThat(LayerTrials.images(4_000_000_000L, 50)).isEqualTo(LayerTrials.IMAGES_MIN);
  }

  @Test
  void trials_end_when_the_work_is_cancelled() {
    Progress cancelled =
        new Progress() {
          @Override
          public void report(String step, double fraction, String message) {}

          @Override
          public boolean cancelled() {
            return true;
          }
        };
    Network network = nearestMean();
    StepContext context =
        new StepContext((start, teacher, plan, at) -> start, DATA, stored(network), SEED);
    LayerTrials.Trial trial = new LayerTrials.Trial("out", 1, () -> network);
    assertThatThrownBy(
            () -> new LayerTrials(context).measure("prune", network, List.of(trial), cancelled))
        .isInstanceOf(CancelledException.class);
  }
}
