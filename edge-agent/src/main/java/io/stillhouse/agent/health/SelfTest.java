package io.stillhouse.agent.health;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.GoldenSet;
import io.stillhouse.agent.artifact.Sha256;
import io.stillhouse.agent.inference.Logits;
import io.stillhouse.agent.inference.ModelRefusedException;
import io.stillhouse.agent.inference.OnnxModel;
import io.stillhouse.agent.inference.OnnxRuntime;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.TestFigures.LatencyMicros;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.LongSupplier;

/**
 * The self-test itself, as the child process does it: golden inputs, then latency and memory. It
 * judges the answers; the figures are judged by the agent, which knows what it grants.
 */
final class SelfTest {
  /** In {@link TestFigures#memoryBytes} between the two processes: the kernel did not tell. */
  static final long MEMORY_UNKNOWN = -1;

  private static final LatencyMicros NOT_MEASURED = new LatencyMicros(0, 0);

  private final SelfTestRequest request;
  private final LongSupplier nanoTicker;

  // What the golden examples came to.
  private FloatBuffer image = FloatBuffer.allocate(0);
  private double worstError;
  private int worstExample;
  private int agreeing;
  private int examples;
  private OptionalInt nonFiniteExample = OptionalInt.empty();

  private SelfTest(SelfTestRequest request, LongSupplier nanoTicker) {
    this.request = request;
    this.nanoTicker = nanoTicker;
  }

  /**
   * Runs the test in this process.
   *
   * @param nanoTicker monotonic nanoseconds
   */
  static TestFigures run(SelfTestRequest request, LongSupplier nanoTicker) {
    return new SelfTest(request, nanoTicker).run();
  }

  private TestFigures run() {
    OnnxRuntime.prepare(Path.of(request.nativeLibrary()));
    // The agent has the runtime in memory in any case: the model is not charged for it.
    OnnxRuntime.version();
    ProcessMemory before = ProcessMemory.read();
    try (OnnxModel model = OnnxModel.open(modelBytes(), request.threads())) {
      checkForm(model);
      String failure = judge(replay(model));
      if (!failure.isEmpty()) {
        return figures(NOT_MEASURED, 0, failure);
      }
      LatencyMicros latency =
          LatencyRounds.best(
              () -> {
                model.load(image);
                model.runLoaded();
              },
              request.latencyP99MicrosMax(),
              nanoTicker);
      long growth = ProcessMemory.read().growthSince(before).orElse(MEMORY_UNKNOWN);
      return figures(latency, growth, "");
    } catch (ModelRefusedException | ArtifactRefusedException e) {
      return figures(NOT_MEASURED, 0, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return figures(NOT_MEASURED, 0, "the bundle cannot be read: " + e);
    }
  }

  private byte[] modelBytes() throws IOException {
    try (InputStream in = Files.newInputStream(file(BundlePlan.MODEL))) {
      byte[] bytes = in.readNBytes(Math.toIntExact(request.model().bytes()));
      String sha256 = Sha256.hex(bytes);
      if (in.read() >= 0 || !sha256.equals(request.model().sha256())) {
        throw new ModelRefusedException(
            "the model file's first %d bytes have SHA-256 %.12s (expected: the whole file, %.12s)"
                .formatted(bytes.length, sha256, request.model().sha256()),
            null);
      }
      return bytes;
    }
  }

  private Path file(String name) {
    return Path.of(request.slot()).resolve(name);
  }

  private void checkForm(OnnxModel model) {
    int inputs = request.model().input().floats();
    int classes = request.model().classes();
    if (model.inputElements() != inputs || model.classes() != classes) {
      throw new ModelRefusedException(
          "the model takes %d values and gives %d (expected: %d and %d)"
              .formatted(model.inputElements(), model.classes(), inputs, classes),
          null);
    }
  }

  private GoldenSet replay(OnnxModel model) throws IOException, ArtifactRefusedException {
    // Golden inputs are preprocessed already, and only the number of labels matters to them.
    BundlePlan.ModelFacts facts =
        new BundlePlan.ModelFacts(
            Collections.nCopies(request.model().classes(), ""),
            request.model().input(),
            new BundlePlan.Normalisation(List.of(), List.of()),
            "",
            "");
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file(BundlePlan.GOLDEN)))) {
      return GoldenSet.read(in, facts, (input, output) -> compare(model, input, output));
    }
  }

  private void compare(OnnxModel model, List<Float> input, List<Float> expected) {
    if (image.capacity() != input.size()) {
      image = FloatBuffer.allocate(input.size());
    }
    image.clear();
    for (int i = 0; i < input.size(); i++) {
      image.put(i, input.get(i));
    }
    Logits actual = model.run(image);
    int example = examples++;
    if (!actual.finite()) {
      nonFiniteExample = nonFiniteExample.isPresent() ? nonFiniteExample : OptionalInt.of(example);
      return;
    }
    float[] golden = new float[expected.size()];
    for (int i = 0; i < golden.length; i++) {
      golden[i] = expected.get(i);
      double error = Math.abs((double) actual.get(i) - golden[i]);
      if (error > worstError) {
        worstError = error;
        worstExample = example;
      }
    }
    if (actual.argMax() == Logits.of(golden).argMax()) {
      agreeing++;
    }
  }

  private double agreement() {
    return examples == 0 ? 0 : (double) agreeing / examples;
  }

  private String judge(GoldenSet golden) {
    if (nonFiniteExample.isPresent()) {
      return "golden example %d: values that are not finite (expected: finite ones)"
          .formatted(nonFiniteExample.getAsInt());
    }
    if (worstError > golden.toleranceAbs()) {
      return "golden example %d: an output is off by %s (expected: at most %s)"
          .formatted(worstExample, worstError, golden.toleranceAbs());
    }
    if (agreement() < golden.argmaxAgreementMin()) {
      return "arg-max agreement over %d golden examples: %s (expected: at least %s)"
          .formatted(examples, agreement(), golden.argmaxAgreementMin());
    }
    return "";
  }

  private TestFigures figures(LatencyMicros latency, long memoryBytes, String failure) {
    return new TestFigures(worstError, agreement(), latency, memoryBytes, failure);
  }
}
