package io.stillhouse.agent.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.stillhouse.agent.inference.InferenceOutcome.Answered;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The agent's whole inference path (admission, lock, copy, run, soft-max, counting) against a bare
 * {@code session.run} on pinned buffers with the same options. Compare the medians.
 *
 * <pre>
 * mvn -Pbench -pl edge-agent -am verify -DskipTests
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class InferencePathBenchmark {
  /** A file, or one of the shipped probe models. */
  @Param("probes/conv3x3_16x28x28_16_fp32.onnx")
  public String model = "";

  @Param("16x28x28")
  public String shape = "";

  private OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime);
  private FloatBuffer image = FloatBuffer.allocate(0);
  private FloatBuffer input = FloatBuffer.allocate(0);
  private FloatBuffer output = FloatBuffer.allocate(0);
  private OrtSession session = uninitialized();
  private Map<String, OnnxTensor> inputs = Map.of();
  private Map<String, OnnxTensor> outputs = Map.of();

  @SuppressWarnings("NullAway") // set before each trial
  private static OrtSession uninitialized() {
    return null;
  }

  @Setup
  public void open() throws OrtException, IOException, NoSuchAlgorithmException {
    byte[] onnx = read();
    int[] sides =
        java.util.Arrays.stream(shape.split("x", -1)).mapToInt(Integer::parseInt).toArray();
    Preprocessing preprocessing =
        new Preprocessing(
            sides[0],
            sides[1],
            sides[2],
            Collections.nCopies(sides[0], 0f),
            Collections.nCopies(sides[0], 1f));
    session = OnnxRuntime.environment().createSession(onnx, OnnxRuntime.sessionOptions(1));
    OnnxSession described = OnnxSession.open(onnx, 1);
    input = direct(described.inputElements());
    output = direct(described.classes());
    inputs =
        Map.of(
            described.input().name(),
            OnnxTensor.createTensor(OnnxRuntime.environment(), input, described.input().shape()));
    outputs =
        Map.of(
            described.output().name(),
            OnnxTensor.createTensor(OnnxRuntime.environment(), output, described.output().shape()));
    image = FloatBuffer.allocate(described.inputElements());
    for (int i = 0; i < image.capacity(); i++) {
      image.put(i, i % 7 / 7f - 0.5f);
      input.put(i, i % 7 / 7f - 0.5f);
    }
    Path file = Files.createTempFile("benchmark", ".onnx");
    Files.write(file, onnx);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(onnx));
    List<String> labels = Collections.nCopies(described.classes(), "class");
    host.activate(
        new LoadedSlot(
            sha256,
            new LoadedSlot.ModelFile(file, sha256),
            new LoadedSlot.ModelCard("benchmark", 1, labels, preprocessing, Precision.FP32),
            new LoadedSlot.Placement("", 0, "benchmark"),
            false));
    Files.delete(file);
    described.close();
  }

  private byte[] read() throws IOException {
    if (!model.startsWith("probes/")) {
      return Files.readAllBytes(Path.of(model));
    }
    try (var in = getClass().getResourceAsStream("/io/stillhouse/agent/hardware/" + model)) {
      return java.util.Objects.requireNonNull(in, model).readAllBytes();
    }
  }

  private static FloatBuffer direct(int elements) {
    return ByteBuffer.allocateDirect(4 * elements).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Benchmark
  public float bareSessionRun() throws OrtException {
    session.run(inputs, outputs).close();
    return output.get(0);
  }

  @Benchmark
  public int wholePath() {
    return ((Answered) host.infer(image, OptionalInt.empty())).label();
  }

  @TearDown
  public void close() throws OrtException {
    host.close();
    session.close();
  }
}
