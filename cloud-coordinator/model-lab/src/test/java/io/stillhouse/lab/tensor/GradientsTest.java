package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GradientsTest {
  private static final Objective HARD = new Objective(0.1, 1, 0);
  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
  private static final float H = 1e-3f;

  @Test
  void gradients_agree_with_differences_of_the_loss() {
    checkGradients(Networks.everyLayer(22), 6, Optional.empty(), HARD);
  }

  @Test
  void gradients_of_distillation_agree_with_differences_of_the_loss() {
    checkGradients(
        Networks.everyLayer(21),
        6,
        Optional.of(Networks.everyLayer(77)),
        new Objective(0.1, 3, 0.7));
  }

  /** Eight bits of precision in each product and map leave the direction as it is. */
  @Test
  void gradients_in_bf16_point_where_those_in_single_precision_do() {
    Network network = Networks.everyLayer(23);
    Optional<Network> teacher = Optional.of(Networks.everyLayer(78));
    Objective objective = new Objective(0.1, 3, 0.7);
    LabelledBatch batch = LossSurface.batch(network, 32, 4);
    LossSurface surface = new LossSurface(RUNTIME, teacher, objective, batch);
    Weights exact = surface.gradients(network);
    Weights rough = surface.in(Arithmetic.BF16).gradients(network);
    assertThat(rough.names()).isEqualTo(exact.names());
    double product = 0;
    double ofExact = 0;
    double ofRough = 0;
    for (String name : exact.names()) {
      float[] a = exact.values(name);
      float[] b = rough.values(name);
      for (int i = 0; i < a.length; i++) {
        product += a[i] * b[i];
        ofExact += a[i] * a[i];
        ofRough += b[i] * b[i];
      }
    }
    assertThat(product / Math.sqrt(ofExact * ofRough)).isGreaterThan(0.999);
    assertThat(Math.sqrt(ofRough / ofExact)).isCloseTo(1, within(0.02));
    assertThat(rough.values("loss")[0])
        .isNotEqualTo(exact.values("loss")[0])
        .isCloseTo(exact.values("loss")[0], within(0.02f));
  }

  /** The engine's own kernel for this case writes past its memory; see {@link Layers}. */
  @Test
  void gradients_of_a_narrow_strided_pointwise_convolution_are_exact() {
    NetworkGraph graph =
        new NetworkGraph(
            "narrow_shortcut",
            new ImageShape(4, 28, 27),
            3,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("conv", Layer.Conv.of(4, 8, 1, 2, 1), List.of("input")),
                new Node("act", new Activation(Function.RELU), List.of("conv")),
                new Node("next", Layer.Conv.of(8, 12, 1, 3, 1), List.of("act")),
                new Node("pool", new Layer.GlobalAveragePool(), List.of("next")),
                new Node("out", new Layer.Linear(12, 3, true), List.of("pool"))));
    checkGradients(Networks.lived(RandomWeights.of(graph, 5), 5), 128, Optional.empty(), HARD);
  }

  @Test
  void the_gradient_of_a_shared_value_is_the_mean_of_those_of_its_weights() {
    Network plain = Networks.everyLayer(24);
    String name = "a.weight";
    int[] shape = plain.weights().shape(name);
    float[] places = new float[plain.weights().values(name).length];
    float[] palette = {-0.2f, 0.1f, 0.3f};
    float[] counts = new float[palette.length];
    float[] values = new float[places.length];
    for (int i = 0; i < places.length; i++) {
      places[i] = i % palette.length;
      counts[(int) places[i]]++;
      values[i] = palette[(int) places[i]];
    }
    Network shared =
        new Network(plain.graph(), plain.weights().toBuilder().put(name, values, shape).build());
    Network marked =
        new Network(
            plain.graph(),
            plain.weights().toBuilder()
                .put("a" + TrainingMarks.PALETTE, palette, palette.length)
                .put("a" + TrainingMarks.PLACES, places, shape)
                .put(
                    "a" + TrainingMarks.SHARES,
                    new float[] {1 / counts[0], 1 / counts[1], 1 / counts[2]},
                    palette.length)
                .build());
    LabelledBatch batch = LossSurface.batch(plain, 6, 4);

    LossSurface surface = new LossSurface(RUNTIME, Optional.empty(), HARD, batch);
    float[] each = surface.gradients(shared).values(name);
    float[] actual = surface.gradients(marked).values("a" + TrainingMarks.PALETTE);

    double[] expected = new double[palette.length];
    for (int i = 0; i < each.length; i++) {
      expected[(int) places[i]] += each[i] / counts[(int) places[i]];
    }
    for (int v = 0; v < expected.length; v++) {
      assertThat((double) actual[v]).as("value %d", v).isCloseTo(expected[v], within(1e-5));
    }
  }

  /** Central differences of the loss, in training mode, for some weights of every node. */
  private static void checkGradients(
      Network network, int images, Optional<Network> teacher, Objective objective) {
    LabelledBatch batch = LossSurface.batch(network, images, 4);
    LossSurface surface = new LossSurface(RUNTIME, teacher, objective, batch);
    Weights gradients = surface.gradients(network);
    int checked = 0;
    for (String name : gradients.names()) {
      if (name.equals("loss")) {
        continue;
      }
      float[] exact = gradients.values(name);
      for (int i = 0; i < exact.length; i += Math.max(1, exact.length / 3)) {
        assertThat((double) exact[i])
            .as("%s[%d]", name, i)
            .isCloseTo(
                surface.difference(network, name, i, H), within(3e-3 + 0.03 * Math.abs(exact[i])));
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(10);
  }

  /** Twenty pixels to three classes. */
  private static NetworkGraph oneLinearLayer() {
    return new NetworkGraph(
        "bounded",
        new ImageShape(1, 4, 5),
        3,
        List.of(
            new Node("input", new Layer.Input(), List.of()),
            new Node("flat", new Layer.Flatten(), List.of("input")),
            new Node("out", new Layer.Linear(20, 3, false), List.of("flat"))));
  }

  /** The formula of Esser et al. 2020, arXiv 1902.08153, written out for one linear layer. */
  @Test
  void learned_bounds_get_the_gradient_of_the_scale_that_they_span() {
    NetworkGraph graph = oneLinearLayer();
    Network plain = RandomWeights.of(graph, 8);
    float low = -0.6f;
    float high = 0.9f; // Standard normal pixels: some lie below, some above.
    Network bounded =
        new Network(
            graph,
            plain.weights().toBuilder()
                .put("input" + TrainingMarks.BOUNDS, new float[] {low, high}, 2)
                .build());
    LabelledBatch batch = LossSurface.batch(bounded, 2, 11);
    float[] logits;
    try (GraphRunner runner = new GraphRunner(RUNTIME, bounded)) {
      logits = runner.logits(batch.images());
    }
    float scale = (high - low) / 255;
    float zero = Math.round(-low / scale);
    double[] ofScale = {0, 0};
    double down = 0;
    float[] weight = plain.weights().values("out.weight");
    for (int i = 0; i < 2; i++) {
      double[] p = softmax(logits, 3 * i, 1);
      for (int x = 0; x < 20; x++) {
        double ofPixel = 0;
        for (int c = 0; c < 3; c++) {
          double wanted = c == batch.labels()[i] ? 1 : 0;
          ofPixel += (p[c] - wanted) / 2 * rounded(weight, c)[x];
        }
        double ratio = batch.images()[20 * i + x] / scale;
        double whole = Math.rint(ratio) + zero;
        double step = whole < 0 ? -zero : whole > 255 ? 255 - zero : Math.rint(ratio) - ratio;
        down += ofPixel * step;
      }
    }
    double share = 255 * 255 / Math.sqrt(255.0 * 40);
    ofScale[0] = -down / 255 * share;
    ofScale[1] = down / 255 * share;
    float[] actual =
        new LossSurface(RUNTIME, Optional.empty(), new Objective(0, 1, 0), batch)
            .gradients(bounded)
            .values("input" + TrainingMarks.BOUNDS);
    assertThat(Math.abs(ofScale[1])).isGreaterThan(0.01);
    assertThat((double) actual[0]).isCloseTo(ofScale[0], within(1e-3 * Math.abs(ofScale[0])));
    assertThat((double) actual[1]).isCloseTo(ofScale[1], within(1e-3 * Math.abs(ofScale[1])));
  }

  /** Else the zero point after a ReLU leaves 0, for which alone the runtime has 8-bit kernels. */
  @Test
  void a_bound_at_zero_stays_there() {
    NetworkGraph graph = oneLinearLayer();
    Weights plain = RandomWeights.of(graph, 8).weights();
    for (float[] bounds : new float[][] {{0, 0.9f}, {-0.6f, 0}}) {
      Network bounded =
          new Network(
              graph, plain.toBuilder().put("input" + TrainingMarks.BOUNDS, bounds, 2).build());
      float[] gradient =
          new LossSurface(
                  RUNTIME,
                  Optional.empty(),
                  new Objective(0, 1, 0),
                  LossSurface.batch(bounded, 2, 11))
              .gradients(bounded)
              .values("input" + TrainingMarks.BOUNDS);
      int atZero = bounds[0] == 0 ? 0 : 1;
      assertThat(gradient[atZero]).isZero();
      assertThat(Math.abs(gradient[1 - atZero])).isGreaterThan(0.01f);
    }
  }

  /** A row of weights as 8 bits leave it. */
  private static double[] rounded(float[] weight, int row) {
    float largest = 0;
    for (int i = 20 * row; i < 20 * row + 20; i++) {
      largest = Math.max(largest, Math.abs(weight[i]));
    }
    double[] rounded = new double[20];
    for (int i = 0; i < 20; i++) {
      rounded[i] = Math.rint(weight[20 * row + i] / (largest / 127)) * (largest / 127);
    }
    return rounded;
  }

  @Test
  void the_teachers_part_of_the_loss_is_divergence_at_temperature_times_its_square() {
    Network student = withoutNormalisation(1);
    Network teacher = withoutNormalisation(2);
    LabelledBatch batch = LossSurface.batch(student, 4, 1);
    double temperature = 3;
    double expected = 0;
    try (GraphRunner ofStudent = new GraphRunner(RUNTIME, student);
        GraphRunner ofTeacher = new GraphRunner(RUNTIME, teacher)) {
      float[] s = ofStudent.logits(batch.images());
      float[] t = ofTeacher.logits(batch.images());
      for (int i = 0; i < 4; i++) {
        double[] p = softmax(t, i * 3, temperature);
        double[] q = softmax(s, i * 3, temperature);
        for (int c = 0; c < 3; c++) {
          expected += p[c] * Math.log(p[c] / q[c]) * temperature * temperature / 4;
        }
      }
    }
    Objective onlySoft = new Objective(0, temperature, 1);
    double loss = new LossSurface(RUNTIME, Optional.of(teacher), onlySoft, batch).loss(student);
    assertThat(expected).isGreaterThan(0.01);
    assertThat(loss).isCloseTo(expected, within(1e-4));
  }

  private static double[] softmax(float[] logits, int at, double temperature) {
    double[] share = new double[3];
    double sum = 0;
    for (int c = 0; c < 3; c++) {
      share[c] = Math.exp(logits[at + c] / temperature);
      sum += share[c];
    }
    for (int c = 0; c < 3; c++) {
      share[c] /= sum;
    }
    return share;
  }

  /** In training it gives the same as in inference. */
  private static Network withoutNormalisation(long seed) {
    NetworkGraph graph =
        new NetworkGraph(
            "plain",
            new ImageShape(2, 5, 5),
            3,
            List.of(
                new Node("input", new Layer.Input(), List.of()),
                new Node("conv", Layer.Conv.of(2, 4, 3, 1, 1), List.of("input")),
                new Node("pool", new Layer.GlobalAveragePool(), List.of("conv")),
                new Node("out", new Layer.Linear(4, 3, true), List.of("pool"))));
    return Networks.lived(RandomWeights.of(graph, seed), seed);
  }
}
