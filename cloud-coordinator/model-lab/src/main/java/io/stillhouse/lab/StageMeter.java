package io.stillhouse.lab;

import io.stillhouse.lab.compress.RecipeRun;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.report.Stage;
import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Measures what each step of a recipe made, for the report. Thread-confined. */
final class StageMeter {
  private final Evaluator evaluator;
  private final RecipeRun run;
  private final Dataset data;
  private final StoredModel teacher;
  private final List<Stage> stages = new ArrayList<>();

  StageMeter(Evaluator evaluator, RecipeRun run, Dataset data, StoredModel teacher) {
    this.evaluator = evaluator;
    this.run = run;
    this.data = data;
    this.teacher = teacher;
  }

  /** A float network between two steps. */
  void measure(String name, Network network, Progress progress) {
    byte[] fp32 = OnnxExporter.fp32(network);
    Evaluation evaluation = evaluate(like(network), fp32, progress);
    stages.add(
        new Stage(
            name,
            evaluation,
            new Stage.Speed(
                OptionalLong.of(evaluation.speed().latencyP50Micros()), int8Micros(network))));
  }

  /** The student in the file that a device gets. */
  Evaluation measureLast(String name, StoredModel student, byte[] onnx, Progress progress) {
    Evaluation evaluation = evaluate(student, onnx, progress);
    long micros = evaluation.speed().latencyP50Micros();
    boolean int8 = evaluation.precision() == Precision.INT8;
    Network network = student.network();
    stages.add(
        new Stage(
            name,
            evaluation,
            new Stage.Speed(
                OptionalLong.of(int8 ? micros(OnnxExporter.fp32(network)) : micros),
                int8 ? OptionalLong.of(micros) : int8Micros(network))));
    return evaluation;
  }

  List<Stage> stages() {
    return List.copyOf(stages);
  }

  private Evaluation evaluate(StoredModel model, byte[] onnx, Progress progress) {
    try {
      return evaluator.evaluate(model, onnx, data, progress);
    } catch (IOException e) {
      throw new LabException(
          "measuring " + model.network().graph().name(),
          "its file cannot be written for a while: " + e.getMessage(),
          "Free some space where temporary files go, then run the same command again",
          e);
    }
  }

  private StoredModel like(Network network) {
    return new StoredModel(
        network, teacher.labels(), teacher.preprocessing(), teacher.provenance());
  }

  /** How fast plain int8 would be; ranges hardly matter for that. */
  private OptionalLong int8Micros(Network network) {
    try {
      return OptionalLong.of(
          micros(run.quantize(network, new Quantize(Precision.INT8, Calibration.MIN_MAX))));
    } catch (LabException e) {
      return OptionalLong.empty(); // a network that has no int8 form
    }
  }

  private long micros(byte[] onnx) {
    return evaluator.latencyMicros(onnx, data, teacher.preprocessing());
  }
}
