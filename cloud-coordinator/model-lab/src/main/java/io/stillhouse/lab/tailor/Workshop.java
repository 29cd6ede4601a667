package io.stillhouse.lab.tailor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.RecipeRun;
import io.stillhouse.lab.compress.RecipeText;
import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.compress.StudentFolder.Onnx;
import io.stillhouse.lab.compress.StudentFolder.Student;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.Tools;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Compression.Quantize;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes students and everything on the way to them, each once: a distilled network serves all prune
 * ratios, a float network both precisions, a student all classes. Every step is a folder that
 * appears whole, so a run that was killed goes on where it stopped, and so does an order for
 * further classes.
 */
final class Workshop {
  private static final double TEMPERATURE = 4.0;
  private static final double SOFT_LOSS_WEIGHT = 0.9;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TailorOrder order;
  private final Evaluator evaluator;
  private final TailorPlan.Epochs epochs;
  private final RecipeRun steps;

  Workshop(TailorOrder order, StudentTrainer trainer, Evaluator evaluator) {
    this.order = order;
    this.evaluator = evaluator;
    this.epochs = order.plan().epochsFor(order.data().train().count());
    this.steps = new RecipeRun(trainer, order.data(), order.teacher().model(), order.plan().seed());
  }

  /** What was measured of a finished student. */
  record Measured(double accuracy, long fileBytes) {}

  /** Makes or finds the student of a candidate. */
  Measured student(Candidate candidate, Progress progress) {
    Path folder = order.out().resolve("students").resolve(candidate.key());
    Provenance provenance = provenance(candidate, candidate.precision());
    try {
      if (!found(folder, provenance)) {
        Network network = floats(candidate, progress.part(0, 0.8));
        StoredModel model = stored(network, provenance);
        byte[] onnx =
            candidate.precision() == Precision.INT8
                ? steps.quantize(network, quantize())
                : OnnxExporter.fp32(network);
        Evaluation evaluation =
            evaluator.evaluate(model, onnx, order.data(), progress.part(0.8, 1));
        write(folder, new Student(model, new Onnx(onnx), evaluation));
      }
      JsonNode facts = JSON.readTree(Files.readAllBytes(folder.resolve(StudentFolder.EVALUATION)));
      return new Measured(facts.path("accuracy").asDouble(), facts.path("fileBytes").asLong());
    } catch (IOException e) {
      throw unwritable(folder, e);
    }
  }

  /** The distilled, perhaps pruned, float network of a candidate. */
  private Network floats(Candidate candidate, Progress progress) {
    if (candidate.pruneRatio() == 0) {
      return distilled(candidate, progress);
    }
    Provenance provenance = provenance(candidate, Precision.FP32);
    return step(
        candidate.floatKey(),
        provenance,
        () ->
            steps.prune(
                distilled(candidate, progress.part(0, 0.7)),
                prune(candidate),
                progress.part(0.7, 1)));
  }

  private Network distilled(Candidate candidate, Progress progress) {
    Candidate whole = new Candidate(candidate.network(), candidate.width(), 0, Precision.FP32);
    return step(
        candidate.distilledKey(),
        provenance(whole, Precision.FP32),
        () -> steps.distill(distil(candidate), progress));
  }

  private Distill distil(Candidate candidate) {
    return new Distill(
        candidate.network(), candidate.width(), TEMPERATURE, SOFT_LOSS_WEIGHT, epochs.distill());
  }

  private Prune prune(Candidate candidate) {
    return new Prune(
        candidate.pruneRatio(), Importance.L1, CandidateSpace.ROUND_TO, epochs.fineTune());
  }

  private Quantize quantize() {
    return new Quantize(Precision.INT8, order.plan().calibration());
  }

  private interface Make {
    Network network();
  }

  private Network step(String name, Provenance provenance, Make make) {
    Path folder = order.out().resolve("work").resolve(name);
    if (found(folder, provenance)) {
      return ModelStore.read(folder).network();
    }
    Network network = make.network();
    try (PartialFolder partial = PartialFolder.open(folder)) {
      ModelStore.write(partial.path(), stored(network, provenance));
      partial.commit();
    } catch (IOException e) {
      throw unwritable(folder, e);
    }
    return network;
  }

  /**
   * True when the folder holds this; refuses one that holds something else. What earlier versions
   * of tools made stays good: an upgrade in the middle of an order costs no training.
   */
  private static boolean found(Path folder, Provenance wanted) {
    if (!Files.exists(folder)) {
      return false;
    }
    Provenance there = ModelStore.read(folder).provenance();
    if (!JSON.valueToTree(there.withTools(Map.of()))
        .toString()
        .equals(JSON.valueToTree(wanted.withTools(Map.of())).toString())) {
      throw new LabException(
          "output " + folder,
          "it was made from another teacher, data set or plan",
          "Name a new folder for the students");
    }
    return true;
  }

  private void write(Path folder, Student student) throws IOException {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("accuracy", student.evaluation().accuracy());
    report.put("testImages", order.data().test().count());
    report.put("origin", order.teacher().origin());
    try (PartialFolder partial = PartialFolder.open(folder)) {
      StudentFolder.write(
          partial.path(),
          student,
          StudentFolder.spread(
              order.data().test(), StudentFolder.GOLDEN_EXAMPLES, student.model().preprocessing()),
          report);
      partial.commit();
    }
  }

  private StoredModel stored(Network network, Provenance provenance) {
    StoredModel teacher = order.teacher().model();
    return new StoredModel(network, teacher.labels(), teacher.preprocessing(), provenance);
  }

  private Provenance provenance(Candidate candidate, Precision precision) {
    List<Compression> made = new ArrayList<>();
    made.add(distil(candidate));
    if (candidate.pruneRatio() > 0) {
      made.add(prune(candidate));
    }
    if (precision == Precision.INT8) {
      made.add(quantize());
    }
    String recipe = RecipeText.of(new CompressionRecipe(order.plan().seed(), made));
    return new Provenance(
        order.teacher().weights().sha256Hex(),
        order.data().digest().sha256Hex(),
        Map.of("yaml", recipe),
        order.plan().seed(),
        Tools.used());
  }

  private static LabException unwritable(Path folder, IOException e) {
    return new LabException(
        "output " + folder,
        "it cannot be written: " + e.getMessage(),
        "Check the disk and the permissions",
        e);
  }
}
