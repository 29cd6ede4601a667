package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.tensor.GraphRunner;
import io.stillhouse.lab.tensor.TensorRuntime;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.Digest;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two engines on one network: for every method of compression and every kind of layer, what the
 * lab's forward pass in libtorch says is what ONNX Runtime says of the file. Nothing is trained, so
 * that what differs is the meaning of the layers and never the luck of a training.
 *
 * <ul>
 *   <li>float32, with weights removed, zeroed, clustered or factorised: within 1e-4 of the largest
 *       logit, for sums in another order;
 *   <li>fp16: within 5e-3, since the file's weights have 11 bits;
 *   <li>int8: against the simulation in training, which rounds as the file does, and against the
 *       float network, which does not, by the signal-to-noise ratio of the logits.
 * </ul>
 */
class ParityTest {
  private static final long SEED = 41;
  private static final int IMAGES = 16;
  private static final int COMPARED = 8;
  private static final int CLASSES = 5;
  private static final double FLOAT_TOLERANCE = 1e-4;
  private static final double HALF_TOLERANCE = 5e-3;

  /**
   * Least signal-to-noise ratios of logits, in decibel.
   *
   * @param simulated what is left are sums in another order that end on the other side of a half
   * @param rounding what 8 bits cost an untrained network that is calibrated to its whole range
   */
  private record Decibel(double simulated, double rounding) {}

  private static final Decibel USUAL = new Decibel(20, 14);

  /** Sixteen gated blocks, whose gates multiply the noise of one another while untrained. */
  private static final Map<String, Decibel> OTHERWISE =
      Map.of("efficientnet_b0", new Decibel(15, 9));

  private static final String EVERY_LAYER = "every layer";

  /** Together they have every kind of layer and of activation. */
  private static final List<String> NETWORKS =
      List.of(
          EVERY_LAYER,
          "resnet8",
          "separable_small",
          "lenet5",
          "squeezenet1_1",
          "shufflenet_v2",
          "efficientnet_b0");

  private static final List<String> FLOAT_STEPS =
      List.of(
          "prune: {ratio: 0.4, roundTo: 1, importance: l1}",
          "prune: {ratio: 0.4, roundTo: 1, importance: l2}",
          "prune: {ratio: 0.4, roundTo: 1, importance: batchNormScale}",
          "prune: {ratio: 0.4, roundTo: 1, importance: taylor}",
          "prune: {ratio: 0.4, roundTo: 1, importance: geometricMedian}",
          "prune: {ratio: 0.4, roundTo: 1, importance: random}",
          "prune: {ratio: 0.4, roundTo: 1, scope: global}",
          "prune: {ratio: 0.4, roundTo: 1, scope: sensitivity}",
          "sparsify: {ratio: 0.6}",
          "sparsify: {pattern: '2:4'}",
          "cluster: {bits: 2}",
          "cluster: {bits: 4}",
          "cluster: {bits: 8}",
          "lowRank: {method: svd, macsKept: 0.7}",
          "lowRank: {method: spatialSvd, macsKept: 0.7}",
          "lowRank: {method: tucker2, macsKept: 0.7}",
          "lowRank: {method: cp, macsKept: 0.7}",
          "redesign: {strategy: kernel-split, epochs: 1}",
          "redesign: {strategy: kernel-pointwise, epochs: 1}",
          "redesign: {strategy: squeeze, epochs: 1}",
          "redesign: {strategy: bottleneck, epochs: 1}",
          "redesign: {strategy: separable, epochs: 1}",
          "redesign: {strategy: spatial, epochs: 1}",
          "redesign: {strategy: group, epochs: 1}",
          "redesign: {strategy: ghost, epochs: 1}",
          "redesign: {strategy: width, epochs: 1}");

  private static final List<String> INT8_STEPS =
      List.of(
          "quantize: {calibration: minMax}",
          "quantize: {calibration: percentile}",
          "quantize: {calibration: mse}",
          "quantize: {calibration: entropy}",
          "quantize: {calibration: minMax, equalise: true, correctBias: true}",
          "quantize: {calibration: minMax, mode: qat, epochs: 1}",
          "quantize: {calibration: minMax, mode: qatLearned, epochs: 1}");

  /**
   * What a method refuses to do, since there is nothing in these networks that it is for.
   *
   * @param reason as the refusal gives it
   */
  private record Refusal(String step, String reason, List<String> networks) {}

  private static final List<Refusal> REFUSED =
      List.of(
          new Refusal(
              "prune: {ratio: 0.4, roundTo: 1, importance: batchNormScale}",
              "no normalisation follows",
              List.of(EVERY_LAYER, "lenet5", "squeezenet1_1", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: kernel-split, epochs: 1}",
              "no convolutions larger than 3x3",
              List.of(EVERY_LAYER, "resnet8", "separable_small", "squeezenet1_1", "shufflenet_v2")),
          new Refusal(
              "redesign: {strategy: kernel-pointwise, epochs: 1}",
              "no 3x3 convolutions that read a squeezed map",
              List.of(
                  EVERY_LAYER, "separable_small", "lenet5", "shufflenet_v2", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: squeeze, epochs: 1}",
              "no dense convolutions of 3x3 or more",
              List.of("separable_small", "shufflenet_v2", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: bottleneck, epochs: 1}",
              "no dense convolutions of 3x3 or more",
              List.of("separable_small", "shufflenet_v2", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: separable, epochs: 1}",
              "no dense convolutions of 3x3 or more",
              List.of("separable_small", "shufflenet_v2", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: spatial, epochs: 1}",
              "no dense square convolutions of 3x3 or more",
              List.of(
                  EVERY_LAYER, "separable_small", "lenet5", "shufflenet_v2", "efficientnet_b0")),
          new Refusal(
              "redesign: {strategy: group, epochs: 1}",
              "no dense convolutions whose channels the groups divide",
              List.of("lenet5")),
          new Refusal(
              "redesign: {strategy: ghost, epochs: 1}",
              "no dense convolutions with an even number of channels",
              List.of("lenet5")),
          new Refusal(
              "redesign: {strategy: width, epochs: 1}",
              "no layer has channels to spare",
              List.of(EVERY_LAYER)));

  private static final TensorRuntime RUNTIME =
      TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());

  /** Leaves networks as they are; asks the engine for gradients. */
  private record Untaught(DataTrainer engine) implements StudentTrainer {
    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      return start;
    }

    @Override
    public List<Weights> gradients(Network network, int batches, Progress progress) {
      return engine.gradients(network, batches, progress);
    }
  }

  private static Stream<Arguments> of(List<String> steps) {
    return NETWORKS.stream()
        .flatMap(network -> steps.stream().map(step -> Arguments.of(step, network)));
  }

  static Stream<Arguments> floats() {
    return of(FLOAT_STEPS);
  }

  static Stream<Arguments> int8() {
    return of(INT8_STEPS);
  }

  static Stream<String> networks() {
    return NETWORKS.stream();
  }

  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("floats")
  void a_compressed_network_says_the_same_in_its_file_and_in_8_bits(String step, String name) {
    Network network = network(name);
    StepContext context = context(network);
    if (refused(step, name, context)) {
      return;
    }
    RecipeRun.Result made = run(step, context);
    assertThat(differs(made.network(), network)).as("the step did something").isTrue();
    close(made.network(), made.onnx().bytes(), FLOAT_TOLERANCE);
    rounded(made.network(), new Quantize(Precision.INT8, Calibration.MIN_MAX), context);
  }

  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("int8")
  void training_simulates_what_the_8_bit_file_says(String step, String name) {
    Network network = network(name);
    StepContext context = context(network);
    if (!refused(step, name, context)) {
      rounded(network, (Quantize) recipe(step).steps().get(0), context);
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void weights_of_16_bits_say_nearly_the_same(String name) {
    Network network = network(name);
    RecipeRun.Result made = run("quantize: {precision: fp16}", context(network));
    close(made.network(), made.onnx().bytes(), HALF_TOLERANCE);
  }

  @Test
  void the_networks_have_every_kind_of_layer_and_the_list_of_refusals_names_none_else() {
    Set<String> kinds = new TreeSet<>();
    Set<Layer.Activation.Function> functions = new TreeSet<>();
    for (String name : NETWORKS) {
      for (var node : network(name).graph().nodes()) {
        kinds.add(node.layer().getClass().getSimpleName());
        if (node.layer() instanceof Layer.Activation activation) {
          functions.add(activation.function());
        }
      }
    }
    assertThat(kinds)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(Layer.class.getPermittedSubclasses()).map(Class::getSimpleName).toList());
    assertThat(functions).containsExactly(Layer.Activation.Function.values());
    for (Refusal refusal : REFUSED) {
      assertThat(FLOAT_STEPS).contains(refusal.step());
      assertThat(NETWORKS).containsAll(refusal.networks());
    }
  }

  /** True when the list says that this is refused, which it then is, for the reason in the list. */
  private static boolean refused(String step, String name, StepContext context) {
    for (Refusal refusal : REFUSED) {
      if (refusal.step().equals(step) && refusal.networks().contains(name)) {
        assertThatThrownBy(() -> run(step, context))
            .isInstanceOf(LabException.class)
            .hasMessageContaining(refusal.reason());
        return true;
      }
    }
    return false;
  }

  private static CompressionRecipe recipe(String step) {
    return RecipeYaml.parse("r.yaml", "seed: %d\nsteps:\n  - %s\n".formatted(SEED, step));
  }

  private static RecipeRun.Result run(String step, StepContext context) {
    return new RecipeRun(context.trainer(), context.data(), context.teacher(), SEED)
        .run(recipe(step), Progress.none());
  }

  private static Network network(String name) {
    if (name.equals(EVERY_LAYER)) {
      return Networks.everyLayer(SEED);
    }
    NetworkGraph graph =
        NetworkCatalog.build(
            name, ImageShape.parse(name.equals("lenet5") ? "1x16x16" : "3x16x16"), CLASSES, 0.25);
    return Networks.lived(RandomWeights.of(graph, SEED), SEED);
  }

  private static StepContext context(Network network) {
    ImageShape shape = network.graph().input();
    Random random = new Random(SEED);
    byte[] pixels = new byte[Math.toIntExact(IMAGES * shape.elements())];
    random.nextBytes(pixels);
    int[] labels = random.ints(IMAGES, 0, CLASSES).toArray();
    Images images = Images.of(shape, pixels, labels);
    Dataset data =
        new Dataset(
            images,
            images,
            List.of("a", "b", "c", "d", "e"),
            new Dataset.Origin(DataSpec.Kind.IMAGES, Digest.of(pixels), List.of()));
    Preprocessing scaling = Preprocessing.measured(images);
    return new StepContext(
        new Untaught(new DataTrainer(RUNTIME, data, scaling, Optional.empty())),
        data,
        new StoredModel(
            network, data.labels(), scaling, new Provenance("", "", Map.of(), SEED, Map.of())),
        SEED);
  }

  private static boolean differs(Network made, Network before) {
    if (!made.graph().equals(before.graph())) {
      return true;
    }
    for (String name : before.weights().names()) {
      if (!Arrays.equals(made.weights().values(name), before.weights().values(name))) {
        return true;
      }
    }
    return false;
  }

  /** The float network in libtorch and its file, as shares of the largest logit. */
  private static void close(Network network, byte[] onnx, double tolerance) {
    List<float[]> images = images(network);
    float[] expected = logits(network, images);
    float[] actual = answers(onnx, images);
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(largest).isPositive();
    assertThat(actual).containsExactly(expected, within((float) (tolerance * largest)));
  }

  /** The file of 8 bits against the network that rounds in libtorch, and against the float one. */
  private static void rounded(Network network, Quantize step, StepContext context) {
    QuantizeStep.Quantized made = new QuantizeStep(context).run(network, step, Progress.none());
    List<float[]> images =
        StudentFolder.spread(context.data().train(), COMPARED, context.teacher().preprocessing());
    Decibel least = OTHERWISE.getOrDefault(context.teacher().network().graph().name(), USUAL);
    float[] file = answers(made.onnx().bytes(), images);
    assertThat(decibel(file, logits(made.rounded().orElseThrow().simulated(), images)))
        .as("decibel of the simulation")
        .isGreaterThan(least.simulated());
    if (step.calibration() == Calibration.MIN_MAX) {
      // The others cut what is rare by choice; what that costs is another matter.
      assertThat(decibel(file, logits(made.network(), images)))
          .as("decibel of rounding")
          .isGreaterThan(least.rounding());
    }
  }

  private static double decibel(float[] actual, float[] expected) {
    double signal = 0;
    double noise = 1e-30;
    for (int i = 0; i < expected.length; i++) {
      signal += (double) expected[i] * expected[i];
      noise += Math.pow((double) expected[i] - actual[i], 2);
    }
    return 10 * Math.log10(signal / noise);
  }

  private static List<float[]> images(Network network) {
    Random random = new Random(SEED);
    List<float[]> images = new ArrayList<>();
    for (int i = 0; i < COMPARED; i++) {
      images.add(Networks.image(network.graph().input(), random));
    }
    return images;
  }

  private static float[] logits(Network network, List<float[]> images) {
    int each = images.get(0).length;
    float[] all = new float[each * images.size()];
    for (int i = 0; i < images.size(); i++) {
      System.arraycopy(images.get(i), 0, all, i * each, each);
    }
    try (GraphRunner runner = new GraphRunner(RUNTIME, network)) {
      return runner.logits(all);
    }
  }

  private static float[] answers(byte[] onnx, List<float[]> images) {
    try (OrtModel model = OrtModel.open(onnx)) {
      float[] all = new float[model.classes() * images.size()];
      for (int i = 0; i < images.size(); i++) {
        System.arraycopy(model.run(images.get(i)), 0, all, i * model.classes(), model.classes());
      }
      return all;
    }
  }
}
