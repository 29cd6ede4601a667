package io.stillhouse.lab;

import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.StoredModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a float32 model with what was measured of it, whole or not at all. */
final class MeasuredFolder {
  private final Evaluator evaluator;

  MeasuredFolder(Evaluator evaluator) {
    this.evaluator = evaluator;
  }

  /**
   * Measures and writes.
   *
   * @param found what else the report shall say
   */
  Evaluation write(
      Path out, StoredModel model, Dataset data, Map<String, Object> found, Progress progress) {
    try (PartialFolder partial = PartialFolder.open(out)) {
      StudentFolder.Onnx onnx = new StudentFolder.Onnx(OnnxExporter.fp32(model.network()));
      Evaluation evaluation = evaluator.evaluate(model, onnx.bytes(), data, progress);
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("accuracy", evaluation.accuracy());
      report.put("testImages", data.test().count());
      report.put("trainImages", data.train().count());
      report.put("warnings", data.origin().warnings());
      report.putAll(found);
      StudentFolder.write(
          partial.path(),
          new StudentFolder.Student(model, onnx, evaluation),
          StudentFolder.spread(data.test(), StudentFolder.GOLDEN_EXAMPLES, model.preprocessing()),
          report);
      partial.commit();
      return evaluation;
    } catch (IOException e) {
      throw new LabException(
          "output " + out,
          "it cannot be written: " + e.getMessage(),
          "Check the disk and the permissions, then run the same command again",
          e);
    }
  }
}
