package io.stillhouse.lab.onnximport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.lab.testing.OnnxChecker;
import io.stillhouse.lab.testing.PlainRunner;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;
import io.stillhouse.model.graph.NetworkCost;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.network.NetworkCatalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxImportTest {
  private static final long SEED = 9;

  @TempDir static Path files;

  private static boolean python;

  /** Files of another tool than our exporter: ONNX's own, in Python. */
  @BeforeAll
  static void made_elsewhere() throws Exception {
    Optional<String> found = OnnxChecker.python();
    python = found.isPresent();
    if (!python) {
      System.out.println("models made in Python are skipped: install python3-onnx");
      return;
    }
    Path script = files.resolve("make_models.py");
    try (var source = OnnxImportTest.class.getResourceAsStream("make_models.py")) {
      Files.write(script, java.util.Objects.requireNonNull(source).readAllBytes());
    }
    OnnxChecker.Ran ran =
        OnnxChecker.run(List.of(found.orElseThrow(), script.toString(), files.toString()));
    assertThat(ran.code()).as(ran.output()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "residual, 3x16x16, 5",
    "inverted, 3x16x16, 7",
    "spelled_out, 1x12x12, 6",
    "halved, 3x8x8, 3",
    "beside, 1x8x8, 3"
  })
  void a_model_made_in_python_says_the_same_after_import_and_export(
      String name, String shape, int classes) throws IOException {
    assumeTrue(python, "python3-onnx is not installed");
    Path file = files.resolve("good").resolve(name + ".onnx");
    Network network = OnnxImport.read(file, name, ImageShape.parse(shape));
    assertThat(network.graph().classes()).isEqualTo(classes);
    boolean softmax = name.equals("inverted");
    Random random = new Random(SEED);
    try (OrtModel original = OrtModel.open(runnable(file));
        OrtModel ours = OrtModel.open(OnnxExporter.fp32(network))) {
      for (int i = 0; i < 5; i++) {
        float[] image = Networks.image(network.graph().input(), random);
        float[] actual = ours.run(image);
        close(softmax ? softmax(actual) : actual, original.run(image));
      }
    }
  }

  @Test
  void what_converters_spell_out_becomes_the_layer_that_is_meant() {
    assumeTrue(python, "python3-onnx is not installed");
    Network spelled = read("spelled_out", "1x12x12");
    assertThat(functions(spelled)).containsExactly(Function.HARD_SWISH, Function.HARD_SWISH);
    assertThat(spelled.graph().nodes())
        .extracting(node -> node.layer().getClass().getSimpleName())
        .containsExactly(
            "Input",
            "Conv",
            "Activation",
            "Conv",
            "Activation",
            "GlobalAveragePool",
            "Flatten",
            "Linear");
    assertThat(functions(read("inverted", "3x16x16")))
        .containsExactly(
            Function.HARD_SWISH,
            Function.RELU6,
            Function.RELU6,
            Function.RELU,
            Function.HARD_SIGMOID,
            Function.SILU);
    assertThat(read("shuffled", "3x8x8").graph().nodes())
        .extracting(Node::layer)
        .contains(
            new Layer.ChannelSlice(0, 6),
            new Layer.ChannelSlice(6, 12),
            new Layer.ChannelShuffle(2),
            new Layer.ChannelSlice(4, 12));
  }

  private static Network read(String name, String shape) {
    return OnnxImport.read(
        files.resolve("good").resolve(name + ".onnx"), name, ImageShape.parse(shape));
  }

  private static List<Function> functions(Network network) {
    return network.graph().nodes().stream()
        .map(Node::layer)
        .filter(Layer.Activation.class::isInstance)
        .map(layer -> ((Layer.Activation) layer).function())
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "residual, 3x16x16",
    "inverted, 3x16x16",
    "spelled_out, 1x12x12",
    "halved, 3x8x8",
    "beside, 1x8x8"
  })
  void the_difference_from_the_file_is_rounding_and_another_network_is_told(
      String name, String shape) {
    assumeTrue(python, "python3-onnx is not installed");
    Network network = read(name, shape);
    Random random = new Random(SEED);
    List<float[]> images =
        Stream.generate(() -> Networks.image(network.graph().input(), random)).limit(4).toList();
    Path file = files.resolve("good").resolve(name + ".onnx");
    assertThat(Parity.difference(file, network, images).orElseThrow()).isLessThan(1e-5);
    Weights.Builder weights = network.weights().toBuilder();
    String first = network.weights().names().iterator().next();
    float[] values = network.weights().values(first);
    values[values.length - 1] += 1;
    weights.put(first, values, network.weights().shape(first));
    assertThat(
            Parity.difference(file, new Network(network.graph(), weights.build()), images)
                .orElseThrow())
        .isGreaterThan(1e-4);
  }

  @ParameterizedTest
  @CsvSource({"spelled_out, 1x12x12", "inverted, 3x16x16", "shuffled, 3x8x8"})
  void normalisation_that_comes_back_changes_no_answer(String name, String shape) {
    assumeTrue(python, "python3-onnx is not installed");
    Network folded = read(name, shape);
    Random random = new Random(SEED);
    List<float[]> images =
        Stream.generate(() -> Networks.image(folded.graph().input(), random)).limit(20).toList();
    Network again = Renormalisation.of(folded, images);
    assertThat(again.graph().nodes())
        .filteredOn(node -> node.layer() instanceof Layer.BatchNorm)
        .hasSizeGreaterThan(1);
    float[] other = Networks.image(folded.graph().input(), random);
    double[] before = PlainRunner.run(folded, other);
    double[] after = PlainRunner.run(again, other);
    double largest = Arrays.stream(before).map(Math::abs).max().orElseThrow();
    assertThat(after).containsExactly(before, within(1e-4 * largest));
    assertThat(Renormalisation.of(again, images)).isSameAs(again);
  }

  static Stream<String> names() {
    return NetworkCatalog.names().stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void every_network_comes_back_from_its_own_file(String name) throws IOException {
    NetworkCatalog.Entry entry = NetworkCatalog.entry(name);
    ImageShape shape =
        name.equals("ds_cnn")
            ? new ImageShape(1, 12, 10)
            : new ImageShape(entry.input().channels(), 32, 32);
    Network network = Networks.catalogue(name, shape.toString(), 0.25, SEED);
    byte[] bytes = OnnxExporter.fp32(network);
    Path file = files.resolve(name + ".onnx");
    Files.write(file, bytes);
    Network again = OnnxImport.read(file, name, network.graph().input());
    assertThat(NetworkCost.of(again.graph()).macs())
        .isEqualTo(NetworkCost.of(network.graph()).macs());
    try (OrtModel before = OrtModel.open(bytes);
        OrtModel after = OrtModel.open(OnnxExporter.fp32(again))) {
      float[] image = Networks.image(network.graph().input(), new Random(SEED));
      close(after.run(image), before.run(image));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "leaky | operator LeakyRelu (node n1): it has no counterpart here (expected: one of Add,",
        "dilated | operator Conv (node n0): dilations [2, 2] (expected: 1)",
        "strides | operator Conv (node n0): strides [1, 2] (expected: equal ones)",
        "lopsided | operator Conv (node n0): pads [0, 0, 1, 1] (expected: as much before as behind)",
        "clip | operator Clip (node n1): -1.0 to 1.0 (expected: 0 to 6, or 0 without an end)",
        "middle_softmax | operator GlobalAveragePool (node n2): it reads /net/Softmax_1:0",
        "channels_last | operator Transpose (node n1): axes [0, 2, 3, 1] of a map (expected: channels stay first",
        "no_classes | output logits is 4x8x8 (expected: one number per class)",
        "quantized | operator DequantizeLinear (node n0): it computes a constant (expected: weights as plain numbers",
        "scaled | operator Mul (node n1): it scales by a constant",
        "old_opset | operator set 6 (expected: 7 to 21)",
        "other_shape | input input is 3x8x8 (expected: 1x8x8, as the images of the data are)",
      })
  void what_cannot_be_imported_is_refused_in_one_line(String name, String message) {
    assumeTrue(python, "python3-onnx is not installed");
    Path file = files.resolve("bad").resolve(name + ".onnx");
    assertThatThrownBy(() -> OnnxImport.read(file, name, ImageShape.parse("1x8x8")))
        .isInstanceOf(LabException.class)
        .hasMessageStartingWith("model " + file + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void weights_that_are_no_numbers_are_refused(float value) throws IOException {
    Network network = Networks.catalogue("resnet8", "3x32x32", 0.5, SEED);
    float[] bias = new float[10];
    bias[9] = value;
    Path file = files.resolve("undefined.onnx");
    Files.write(
        file,
        OnnxExporter.fp32(
            new Network(
                network.graph(),
                network.weights().toBuilder().put("classifier.bias", bias, 10).build())));
    assertThatThrownBy(() -> OnnxImport.read(file, "undefined", new ImageShape(3, 32, 32)))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("hold a value that is not a finite number")
        .hasMessageNotContaining("\n");
  }

  @Test
  void no_file_and_a_damaged_one_are_refused_in_one_line() throws IOException {
    ImageShape shape = new ImageShape(3, 32, 32);
    assertThatThrownBy(() -> OnnxImport.read(files.resolve("none.onnx"), "none", shape))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("there is no such file");
    byte[] whole = OnnxExporter.fp32(Networks.catalogue("resnet8", "3x32x32", 0.5, SEED));
    Random random = new Random(SEED);
    Path file = files.resolve("damaged.onnx");
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] damaged = whole.clone();
      if (i % 2 == 0) {
        damaged = Arrays.copyOf(whole, random.nextInt(whole.length));
      } else {
        // The first bytes hold the nodes; in the weights a changed byte is another number.
        damaged[random.nextInt(2_000)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(file, damaged);
      try {
        OnnxImport.read(file, "damaged", shape);
      } catch (LabException e) {
        assertThat(e).hasMessageStartingWith("model " + file).hasMessageNotContaining("\n");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void a_tensor_outside_of_the_folder_is_not_read() throws Exception {
    assumeTrue(python, "python3-onnx is not installed");
    Path inner = Files.createDirectory(files.resolve("inner"));
    byte[] bytes = Files.readAllBytes(files.resolve("good/beside.onnx"));
    // A location of equal length, so that the file's own lengths stay true.
    String hostile =
        new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1)
            .replace("beside.onnx.data", "../out.onnx.data");
    Files.write(
        inner.resolve("beside.onnx"),
        hostile.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    Files.copy(files.resolve("good/beside.onnx.data"), files.resolve("out.onnx.data"));
    assertThatThrownBy(
            () ->
                OnnxImport.read(inner.resolve("beside.onnx"), "beside", ImageShape.parse("1x8x8")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("lies in ../out.onnx.data, which is no file beside the model");
  }

  /** The same model for a batch of one and with all weights in one file, as it is run here. */
  private static byte[] runnable(Path file) throws IOException {
    Path script = files.resolve("join.py");
    Path whole = files.resolve("joined.onnx");
    Files.writeString(
        script,
        """
        import onnx, sys
        model = onnx.load(sys.argv[1])
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
        onnx.save(model, sys.argv[2])
        """);
    try {
      OnnxChecker.Ran ran =
          OnnxChecker.run(
              List.of(
                  OnnxChecker.python().orElseThrow(),
                  script.toString(),
                  file.toString(),
                  whole.toString()));
      assertThat(ran.code()).as(ran.output()).isZero();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return Files.readAllBytes(whole);
  }

  private static float[] softmax(float[] logits) {
    float[] shares = new float[logits.length];
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    for (int i = 0; i < shares.length; i++) {
      shares[i] = (float) (Math.exp(logits[i]) / sum);
    }
    return shares;
  }

  private static void close(float[] actual, float[] expected) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(largest).isPositive();
    assertThat(actual).containsExactly(expected, within(1e-4f * largest));
  }
}
