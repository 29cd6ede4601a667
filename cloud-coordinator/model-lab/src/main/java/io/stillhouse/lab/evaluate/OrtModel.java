package io.stillhouse.lab.evaluate;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.stillhouse.lab.export.OnnxExporter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A model file loaded for single-image inference with the options that devices use: all
 * optimizations, no spinning, and on x86 8-bit kernels that do not saturate ({@link
 * IntegerKernels}), whose results equal those of ARM bit by bit: with others the lab would judge
 * another model than the one a board runs.
 *
 * <p>Thread-confined. Input and output buffers are pinned: a run allocates almost nothing.
 */
public final class OrtModel implements AutoCloseable {
  private final OrtSession session;
  private final FloatBuffer input;
  private final FloatBuffer output;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  private OrtModel(OrtEnvironment environment, OrtSession session) throws OrtException {
    this.session = session;
    long[] in = shape(session, session.getInputInfo().keySet(), true);
    String answer = answer(session.getOutputInfo().keySet());
    long[] out = shape(session, Set.of(answer), false);
    this.input = direct(elements(in));
    this.output = direct(elements(out));
    String name = session.getInputInfo().keySet().iterator().next();
    this.inputs = Map.of(name, OnnxTensor.createTensor(environment, input, in));
    this.outputs = Map.of(answer, OnnxTensor.createTensor(environment, output, out));
  }

  /** The lab's own name, or the only one that a file of another tool has. */
  private static String answer(Set<String> names) {
    return names.size() == 1 ? names.iterator().next() : OnnxExporter.OUTPUT;
  }

  /** Version of the runtime that measures here. */
  public static String runtimeVersion() {
    return OrtEnvironment.getEnvironment().getVersion();
  }

  /** Loads from bytes with one thread, so that nothing beside the file can be read. */
  public static OrtModel open(byte[] onnx) {
    return open(onnx, 1);
  }

  /** Loads from a file, with weights that may lie beside it. */
  public static OrtModel open(Path onnx) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = options(1)) {
      return new OrtModel(environment, environment.createSession(onnx.toString(), options));
    } catch (OrtException e) {
      throw new ModelRefusedException("ONNX Runtime refuses the model: " + firstLine(e), e);
    }
  }

  public static OrtModel open(byte[] onnx, int threads) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = options(threads)) {
      return new OrtModel(environment, environment.createSession(onnx, options));
    } catch (OrtException e) {
      throw new ModelRefusedException("ONNX Runtime refuses the model: " + firstLine(e), e);
    }
  }

  /** Loads, writes the optimized graph to {@code dump}, and closes again. */
  static void optimize(byte[] onnx, Path dump) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = options(1)) {
      options.setOptimizedModelFilePath(dump.toString());
      environment.createSession(onnx, options).close();
    } catch (OrtException e) {
      throw new ModelRefusedException("ONNX Runtime refuses the model: " + firstLine(e), e);
    }
  }

  private static OrtSession.SessionOptions options(int threads) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(threads);
    options.setInterOpNumThreads(1);
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    options.addConfigEntry("session.intra_op.allow_spinning", "0");
    if (!IntegerKernels.exact()) {
      options.addConfigEntry("session.x64quantprecision", "1");
    }
    return options;
  }

  /** Number of floats of one image. */
  public int inputElements() {
    return input.capacity();
  }

  /** Number of logits. */
  public int classes() {
    return output.capacity();
  }

  /** Logits of one preprocessed image (channels, height, width). */
  public float[] run(float[] image) {
    load(image);
    runLoaded();
    float[] logits = new float[output.capacity()];
    output.get(0, logits);
    return logits;
  }

  /** Puts an image into the input buffer for {@link #runLoaded}. */
  void load(float[] image) {
    if (image.length != input.capacity()) {
      throw new IllegalArgumentException(
          "image: %d values (expected: %d)".formatted(image.length, input.capacity()));
    }
    input.put(0, image);
  }

  /** Runs on the loaded image and leaves the logits in the output buffer. */
  void runLoaded() {
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new ModelRefusedException("ONNX Runtime cannot run the model: " + firstLine(e), e);
    }
  }

  /** All outputs of a model that has more than the logits, by name. */
  public Map<String, float[]> runAll(float[] image) {
    load(image);
    try (OrtSession.Result result = session.run(inputs)) {
      Map<String, float[]> values = new LinkedHashMap<>();
      for (var entry : result) {
        FloatBuffer floats = ((OnnxTensor) entry.getValue()).getFloatBuffer();
        float[] copy = new float[floats.remaining()];
        floats.get(copy);
        values.put(entry.getKey(), copy);
      }
      return values;
    } catch (OrtException e) {
      throw new ModelRefusedException("ONNX Runtime cannot run the model: " + firstLine(e), e);
    }
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("closing an ONNX Runtime session failed", e);
    }
  }

  private static long[] shape(OrtSession session, Set<String> names, boolean input)
      throws OrtException {
    if (names.size() != 1) {
      throw new ModelRefusedException(
          "the model has %d inputs (expected: 1)".formatted(names.size()), null);
    }
    String name = names.iterator().next();
    var info = (input ? session.getInputInfo() : session.getOutputInfo()).get(name);
    if (info == null || !(info.getInfo() instanceof TensorInfo tensor)) {
      throw new ModelRefusedException("the model has no tensor named %s".formatted(name), null);
    }
    long[] shape = tensor.getShape();
    for (int i = 0; i < shape.length; i++) {
      // A symbolic batch is run with one image.
      shape[i] = shape[i] < 0 && i == 0 ? 1 : shape[i];
      if (shape[i] < 1) {
        throw new ModelRefusedException(
            "the shape of %s is open beyond the batch axis (expected: fixed)".formatted(name),
            null);
      }
    }
    return shape;
  }

  private static int elements(long[] shape) {
    long elements = 1;
    for (long side : shape) {
      elements = Math.multiplyExact(elements, side);
    }
    return Math.toIntExact(elements);
  }

  private static FloatBuffer direct(int elements) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(4, elements))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
  }
}
