package io.stillhouse.lab.tailor;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.compress.StudentFolder.Onnx;
import io.stillhouse.lab.compress.StudentFolder.Student;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.export.ClassifierRotation;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rehearses a bad release: a student that passes every check before it goes live, because its
 * golden outputs are its own, and is wrong about almost every image. Its provenance says {@code
 * rehearsal}.
 */
public final class Harm {
  /** Key in the recipe of a harmed student's provenance. */
  public static final String MARK = "rehearsal";

  private final Evaluator evaluator;

  public Harm(Evaluator evaluator) {
    this.evaluator = evaluator;
  }

  /**
   * Writes the harmed twin of a student folder and returns what was measured of it. A twin that an
   * earlier, killed run finished is measured and kept.
   */
  public Evaluation harm(Path student, Dataset data, Path out, Progress progress) {
    StoredModel good = ModelStore.read(student);
    Node last = good.network().graph().output();
    if (!(last.layer() instanceof Layer.Linear linear)) {
      throw new LabException(
          "model " + student,
          "its last layer is not linear",
          "Rehearse with a student that has a classifier");
    }
    if (Files.exists(out.resolve(ModelStore.MODEL_JSON))
        && ModelStore.read(out).provenance().equals(marked(good.provenance()))) {
      return evaluator.evaluate(out, data, progress);
    }
    try (PartialFolder partial = PartialFolder.open(out)) {
      byte[] onnx =
          ClassifierRotation.rotate(
              Files.readAllBytes(student.resolve(Evaluator.MODEL_ONNX)), last.name());
      StoredModel bad =
          new StoredModel(
              rotated(good.network(), last.name(), linear),
              good.labels(),
              good.preprocessing(),
              marked(good.provenance()));
      Evaluation evaluation = evaluator.evaluate(bad, onnx, data, progress);
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("accuracy", evaluation.accuracy());
      report.put(MARK, true);
      StudentFolder.write(
          partial.path(),
          new Student(bad, new Onnx(onnx), evaluation),
          StudentFolder.spread(data.test(), StudentFolder.GOLDEN_EXAMPLES, bad.preprocessing()),
          report);
      partial.commit();
      return evaluation;
    } catch (IOException | IllegalArgumentException e) {
      throw new LabException(
          "model " + student,
          "no harmed twin can be made of it: " + e.getMessage(),
          "Check that it is a finished student and that the disk has room",
          e);
    }
  }

  private static Network rotated(Network network, String layer, Layer.Linear linear) {
    Weights.Builder weights = network.weights().toBuilder();
    for (String part : new String[] {".weight", ".bias"}) {
      String name = layer + part;
      if (network.weights().has(name)) {
        weights.put(
            name,
            ClassifierRotation.rotate(network.weights().values(name), linear.out()),
            network.weights().shape(name));
      }
    }
    return new Network(network.graph(), weights.build());
  }

  private static Provenance marked(Provenance provenance) {
    Map<String, Object> recipe = new LinkedHashMap<>(provenance.recipe());
    recipe.put(MARK, "classifier rows rotated by one");
    return new Provenance(
        provenance.teacherSha256(),
        provenance.datasetSha256(),
        recipe,
        provenance.seed(),
        provenance.tools());
  }
}
