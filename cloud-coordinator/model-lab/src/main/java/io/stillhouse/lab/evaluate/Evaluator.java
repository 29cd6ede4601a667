package io.stillhouse.lab.evaluate;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation.Size;
import io.stillhouse.lab.evaluate.Evaluation.Speed;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.TransferForm;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkCost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/** Measures models over a data set with ONNX Runtime, as a device runs them. Thread-confined. */
public final class Evaluator {
  /** File name of the deployable form inside a model directory. */
  public static final String MODEL_ONNX = "model.onnx";

  private static final int IMAGES_BETWEEN_REPORTS = 200;
  private static final long ONNX_BYTES_MAX = 1L << 30;

  private final LongSupplier nanos;

  /**
   * An evaluator that times with this clock.
   *
   * @param nanos a monotonic clock in nanoseconds
   */
  public Evaluator(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Measures a model directory, or a bare ONNX file with one image input and logits out. */
  public Evaluation evaluate(Path directoryOrFile, Dataset data, Progress progress) {
    try {
      if (Files.isDirectory(directoryOrFile)) {
        StoredModel model = ModelStore.read(directoryOrFile);
        Path file = directoryOrFile.resolve(MODEL_ONNX);
        byte[] onnx = Files.exists(file) ? readBounded(file) : OnnxExporter.fp32(model.network());
        return evaluate(model, onnx, data, progress);
      }
      if (!Files.isRegularFile(directoryOrFile)) {
        throw new LabException(
            "model " + directoryOrFile,
            "there is no such file or folder",
            "Name a folder that the lab made, or an ONNX file");
      }
      return bare(directoryOrFile, readBounded(directoryOrFile), data, progress);
    } catch (IOException e) {
      throw new LabException(
          "model " + directoryOrFile,
          "it cannot be read: " + e.getMessage(),
          "Check the disk and the permissions",
          e);
    } catch (ModelRefusedException e) {
      throw new LabException(
          "model " + directoryOrFile, String.valueOf(e.getMessage()), "Export it again", e);
    }
  }

  /** Measures a model whose deployable bytes are at hand. */
  public Evaluation evaluate(StoredModel model, byte[] onnx, Dataset data, Progress progress)
      throws IOException {
    Precision precision = precision(onnx);
    NetworkCost cost = NetworkCost.of(model.network().graph(), precision);
    Size size =
        new Size(
            cost.params(),
            cost.macs(),
            onnx.length,
            TransferForm.wireBytes(onnx),
            cost.activationPeakBytes());
    String name = model.network().graph().name();
    return measure(new Subject(name, precision, size, model.preprocessing()), onnx, data, progress);
  }

  private Evaluation bare(Path file, byte[] onnx, Dataset data, Progress progress)
      throws IOException {
    OnnxCost cost = OnnxCost.of(onnx);
    Size size = new Size(cost.params(), cost.macs(), onnx.length, TransferForm.wireBytes(onnx), 0);
    // A bare file does not say how its input is scaled; what the lab itself trains with is assumed.
    Preprocessing scaling = Preprocessing.measured(data.train());
    String name = String.valueOf(file.getFileName());
    return measure(new Subject(name, precision(onnx), size, scaling), onnx, data, progress);
  }

  /** What is known of a model before it runs. */
  private record Subject(
      String name, Precision precision, Size size, Preprocessing preprocessing) {}

  private Evaluation measure(Subject subject, byte[] onnx, Dataset data, Progress progress)
      throws IOException {
    try (OrtModel model = OrtModel.open(onnx)) {
      double accuracy = accuracy(model, data.test(), subject.preprocessing(), progress);
      float[] image = input(data.test(), 0, subject.preprocessing());
      LatencyMeter.Latency latency = new LatencyMeter(nanos).measure(model, image);
      return new Evaluation(
          subject.name(),
          subject.precision(),
          accuracy,
          subject.size(),
          new Speed(latency.p50Micros(), latency.p99Micros(), memory(onnx)));
    }
  }

  /** Median microseconds of one inference on the first test image. */
  public long latencyMicros(byte[] onnx, Dataset data, Preprocessing preprocessing) {
    try (OrtModel model = OrtModel.open(onnx)) {
      float[] image = input(data.test(), 0, preprocessing);
      return new LatencyMeter(nanos).measure(model, image).p50Micros();
    }
  }

  /** Share of images whose arg-max is the label. */
  public static double accuracy(
      OrtModel model, Images images, Preprocessing preprocessing, Progress progress) {
    requireFit(model, images);
    int correct = 0;
    for (int i = 0; i < images.count(); i++) {
      if (i % IMAGES_BETWEEN_REPORTS == 0) {
        if (progress.cancelled()) {
          throw new CancelledException("evaluate");
        }
        progress.report("evaluate", (double) i / images.count(), "");
      }
      float[] logits = model.run(input(images, i, preprocessing));
      requireNumbers(logits, i);
      correct += argMax(logits) == images.label(i) ? 1 : 0;
    }
    return (double) correct / images.count();
  }

  /** An undefined logit compares with nothing: the first class would count as the answer. */
  private static void requireNumbers(float[] logits, int image) {
    for (float logit : logits) {
      if (Float.isNaN(logit)) {
        throw new LabException(
            "model",
            "its answer to image " + image + " is not a number",
            "Its weights are damaged, or its training diverged; make it again");
      }
    }
  }

  /** One preprocessed image. */
  public static float[] input(Images images, int index, Preprocessing preprocessing) {
    float[] input = new float[Math.toIntExact(images.shape().elements())];
    preprocessing.apply(images, index, input, 0);
    return input;
  }

  /** Place of the largest value; the first of equals. */
  public static int argMax(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static void requireFit(OrtModel model, Images images) {
    ImageShape shape = images.shape();
    if (shape.elements() != model.inputElements()) {
      throw new LabException(
          "data of shape " + shape,
          "the model takes %d values, an image has %d"
              .formatted(model.inputElements(), shape.elements()),
          "Use the data that the model was trained for");
    }
    if (images.count() == 0) {
      throw new LabException("data", "it has no test images", "Add some");
    }
  }

  private static long memory(byte[] onnx) throws IOException {
    Path file = Files.createTempFile("stillhouse-measured", ".onnx");
    try {
      Files.write(file, onnx);
      return MemoryProbe.peakBytes(file).orElse(0);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static Precision precision(byte[] onnx) {
    return OnnxCost.quantized(onnx) ? Precision.INT8 : Precision.FP32;
  }

  private static byte[] readBounded(Path file) throws IOException {
    if (Files.size(file) > ONNX_BYTES_MAX) {
      throw new LabException(
          "model " + file,
          "it is larger than %d bytes".formatted(ONNX_BYTES_MAX),
          "Use a smaller model");
    }
    return Files.readAllBytes(file);
  }
}
