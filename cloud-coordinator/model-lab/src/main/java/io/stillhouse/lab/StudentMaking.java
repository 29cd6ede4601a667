package io.stillhouse.lab;

import io.stillhouse.lab.compress.RecipeRun;
import io.stillhouse.lab.compress.RecipeText;
import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.Tools;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.report.CompressionReport;
import io.stillhouse.lab.report.ReportPage;
import io.stillhouse.lab.tailor.Harm;
import io.stillhouse.lab.tailor.Tailor;
import io.stillhouse.lab.tailor.TailorOrder;
import io.stillhouse.lab.tailor.TailorReport;
import io.stillhouse.lab.tensor.Bf16Support;
import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The part of the lab that turns teachers into students: reads what a request names, runs it,
 * writes what came out. Thread-confined.
 */
final class StudentMaking {
  static final String ORIGIN_TEACHER = "teacher";
  static final String ORIGIN_DATA = "data";
  static final String ORIGIN_THREADS = "threads";

  /** Keys of a student's recipe in its provenance: the recipe itself, and digests by input. */
  static final String RECIPE_TEXT = "yaml";

  static final String RECIPE_INPUTS = "inputs";

  private final Function<Dataset, StudentTrainer> trainers;
  private final Evaluator evaluator;

  StudentMaking(Function<Dataset, StudentTrainer> trainers, Evaluator evaluator) {
    this.trainers = trainers;
    this.evaluator = evaluator;
  }

  CompressedModel compress(CompressRequest request, Progress progress) {
    Bf16Support.require(request.recipe().arithmetic());
    StoredModel teacher = ModelStore.read(request.teacherDir());
    Digest teacherWeights = ModelStore.weightsDigest(request.teacherDir());
    try (PartialFolder partial = PartialFolder.open(request.out())) {
      request.data().requirePlace();
      progress.report("read " + request.data(), 0, "");
      Dataset data = request.data().load();
      requireFit(teacher, data, request);
      RecipeInputs inputs = RecipeInputs.of(request.recipe());
      Map<String, String> inputDigests = inputs.digests(data);
      long seed = request.recipe().seed();
      RecipeRun run = new RecipeRun(trainers.apply(data), data, teacher, seed);
      StageMeter meter = new StageMeter(evaluator, run, data, teacher);
      meter.measure("teacher", teacher.network(), progress.part(0, 0.02));
      RecipeRun.Result made =
          run.run(
              request.recipe(),
              (place, step, network, at) ->
                  meter.measure(place + " " + RecipeText.kind(step), network, at),
              progress.part(0.02, 0.9));
      StoredModel model =
          new StoredModel(
              made.network(),
              teacher.labels(),
              teacher.preprocessing(),
              new Provenance(
                  teacherWeights.sha256Hex(),
                  data.digest().sha256Hex(),
                  recipe(request.recipe(), inputDigests),
                  seed,
                  Tools.used()));
      List<Compression> steps = request.recipe().steps();
      Evaluation evaluation =
          meter.measureLast(
              steps.size() + " " + RecipeText.kind(steps.get(steps.size() - 1)),
              model,
              made.onnx().bytes(),
              progress.part(0.9, 1));
      List<String> warnings = new ArrayList<>(data.origin().warnings());
      warnings.addAll(made.warnings());
      CompressionReport report =
          new CompressionReport(
              meter.stages(), notes(made, warnings), origin(request, model.provenance()));
      StudentFolder.write(
          partial.path(),
          new StudentFolder.Student(model, made.onnx(), evaluation),
          StudentFolder.spread(data.test(), StudentFolder.GOLDEN_EXAMPLES, model.preprocessing()),
          report.toFields());
      Files.writeString(partial.path().resolve(StudentFolder.PAGE), ReportPage.of(report));
      partial.commit();
      return new CompressedModel(request.out(), evaluation, warnings);
    } catch (IOException e) {
      throw unwritable(request.out(), e);
    }
  }

  Evaluation evaluate(Path directoryOrFile, DataSpec data, Progress progress) {
    return evaluator.evaluate(directoryOrFile, data.load(), progress);
  }

  TailorReport tailor(TailorRequest request, int threads, Progress progress) {
    StoredModel teacher = ModelStore.read(request.teacherDir());
    Dataset data = request.data().load();
    TailorOrder order =
        new TailorOrder(
            new TailorOrder.Teacher(
                teacher,
                ModelStore.weightsDigest(request.teacherDir()),
                origin(request.teacherDir(), request.data(), threads)),
            data,
            request.targets(),
            request.plan(),
            request.out());
    return new Tailor(trainers.apply(data), evaluator).run(order, progress);
  }

  List<CompressedModel> harm(HarmRequest request, Progress progress) {
    Dataset data = request.data().load();
    List<CompressedModel> harmed = new ArrayList<>();
    int count = request.students().size();
    for (int i = 0; i < count; i++) {
      if (progress.cancelled()) {
        throw new CancelledException("harm");
      }
      Path student = request.students().get(i).toAbsolutePath().normalize();
      Path out = request.out().resolve(String.valueOf(student.getFileName()));
      Progress part = progress.part((double) i / count, (i + 1.0) / count);
      harmed.add(
          new CompressedModel(
              out, new Harm(evaluator).harm(student, data, out, part), data.origin().warnings()));
    }
    return harmed;
  }

  private static Map<String, Object> notes(RecipeRun.Result made, List<String> warnings) {
    Map<String, Object> notes = new LinkedHashMap<>(made.notes());
    if (!warnings.isEmpty()) {
      notes.put("warnings", warnings.stream().map(line -> Map.of("skipped", line)).toList());
    }
    return notes;
  }

  private static void requireFit(StoredModel teacher, Dataset data, CompressRequest request) {
    NetworkGraph graph = teacher.network().graph();
    if (!graph.input().equals(data.shape()) || graph.classes() != data.classes()) {
      throw new LabException(
          "data " + request.data(),
          "its images are %s of %d classes, the teacher %s takes %s of %d"
              .formatted(
                  data.shape(),
                  data.classes(),
                  request.teacherDir(),
                  graph.input(),
                  graph.classes()),
          "Use the data that the teacher was trained on");
    }
  }

  /** Inputs by content alone: a student is the same wherever its inputs lay. */
  private static Map<String, Object> recipe(
      CompressionRecipe recipe, Map<String, String> inputDigests) {
    Map<String, Object> recorded = new LinkedHashMap<>();
    recorded.put(RECIPE_TEXT, RecipeText.of(recipe));
    if (!inputDigests.isEmpty()) {
      recorded.put(RECIPE_INPUTS, inputDigests);
    }
    return recorded;
  }

  /** What {@link Reproduction} starts from, and people read. */
  private static Map<String, Object> origin(CompressRequest request, Provenance provenance) {
    Map<String, Object> origin = origin(request.teacherDir(), request.data(), request.threads());
    origin.put("teacherSha256", provenance.teacherSha256());
    origin.put("datasetSha256", provenance.datasetSha256());
    RecipeInputs.of(request.recipe())
        .places()
        .forEach((name, place) -> origin.put(name, place.toString()));
    if (provenance.recipe().get(RECIPE_INPUTS) instanceof Map<?, ?> digests) {
      digests.forEach((name, digest) -> origin.put(name + "Sha256", digest));
    }
    origin.put("recipe", String.valueOf(provenance.recipe().get(RECIPE_TEXT)));
    origin.putAll(provenance.tools());
    return origin;
  }

  /** Where things lie that a student is made again from. */
  private static Map<String, Object> origin(Path teacher, DataSpec data, int threads) {
    Map<String, Object> origin = new LinkedHashMap<>();
    origin.put(ORIGIN_TEACHER, teacher.toAbsolutePath().normalize().toString());
    origin.put(ORIGIN_DATA, data.absolute().toString());
    origin.put(ORIGIN_THREADS, threads);
    return origin;
  }

  private static LabException unwritable(Path folder, IOException e) {
    return new LabException(
        "output " + folder,
        "it cannot be written: " + e.getMessage(),
        "Check the disk and the permissions",
        e);
  }
}
