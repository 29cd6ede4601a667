package io.stillhouse.lab.compress;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.TransferForm;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.SafeTensors;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files of a finished student: what {@link ModelStore} writes, the deployable {@code
 * model.onnx}, {@code model.onnx.stf} (its {@link TransferForm}, when that saves enough), {@code
 * golden.safetensors} (inputs with the logits that this file gives, which a device must reproduce),
 * {@code evaluation.json} and {@code report.json}.
 */
public final class StudentFolder {
  public static final String GOLDEN = "golden.safetensors";
  public static final String EVALUATION = "evaluation.json";
  public static final String REPORT = "report.json";

  /** The report for people; students that a recipe made have one. */
  public static final String PAGE = "report.html";

  /** Examples in the golden file. */
  public static final int GOLDEN_EXAMPLES = 16;

  private static final ObjectMapper JSON = new ObjectMapper();

  private StudentFolder() {}

  /** A student before it is written. */
  public record Student(StoredModel model, Onnx onnx, Evaluation evaluation) {}

  /** Bytes of an ONNX file that may pass through records. */
  public static final class Onnx {
    private final byte[] bytes;

    public Onnx(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    public byte[] bytes() {
      return bytes.clone();
    }
  }

  /**
   * Writes all files into an open folder.
   *
   * @param golden preprocessed images for the golden file
   * @param report further facts, by name
   */
  public static void write(
      Path folder, Student student, List<float[]> golden, Map<String, Object> report)
      throws IOException {
    ModelStore.write(folder, student.model());
    byte[] onnx = student.onnx().bytes();
    Files.write(folder.resolve(Evaluator.MODEL_ONNX), onnx);
    Optional<byte[]> packed = TransferForm.pack(onnx);
    if (packed.isPresent()) {
      Files.write(folder.resolve(Evaluator.MODEL_ONNX + TransferForm.SUFFIX), packed.orElseThrow());
    }
    ImageShape shape = student.model().network().graph().input();
    SafeTensors.write(folder.resolve(GOLDEN), answers(student.onnx().bytes(), shape, golden));
    json(folder.resolve(EVALUATION), student.evaluation().toFields());
    json(folder.resolve(REPORT), report);
  }

  /** Evenly spread images, so that a set sorted by class still shows every class. */
  public static List<float[]> spread(Images images, int count, Preprocessing preprocessing) {
    List<float[]> inputs = new ArrayList<>();
    int taken = Math.min(count, images.count());
    for (int i = 0; i < taken; i++) {
      int index = Math.toIntExact((long) i * images.count() / taken);
      inputs.add(Evaluator.input(images, index, preprocessing));
    }
    return inputs;
  }

  /** Images and the logits that the file gives for each, as tensors {@code input, output}. */
  static Weights answers(byte[] onnx, ImageShape shape, List<float[]> images) {
    try (OrtModel model = OrtModel.open(onnx)) {
      int each = model.inputElements();
      float[] inputs = new float[images.size() * each];
      float[] outputs = new float[images.size() * model.classes()];
      for (int i = 0; i < images.size(); i++) {
        System.arraycopy(images.get(i), 0, inputs, i * each, each);
        float[] logits = model.run(images.get(i));
        System.arraycopy(logits, 0, outputs, i * logits.length, logits.length);
      }
      return Weights.builder()
          .put("input", inputs, images.size(), shape.channels(), shape.height(), shape.width())
          .put("output", outputs, images.size(), model.classes())
          .build();
    }
  }

  private static void json(Path file, Map<String, Object> fields) throws IOException {
    Files.writeString(
        file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(fields) + "\n");
  }
}
