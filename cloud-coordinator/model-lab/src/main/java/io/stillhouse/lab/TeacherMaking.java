package io.stillhouse.lab;

import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.UnfinishedRun;
import io.stillhouse.lab.teacher.Trainer;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.teacher.TrainingTask;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The part of the lab that turns labelled images into a teacher. What is wrong with a request is
 * said before data is read, as far as it can be told. Thread-confined.
 */
final class TeacherMaking {
  private static final double TRAINED = 0.96;

  private final Supplier<Trainer> trainer;
  private final Evaluator evaluator;

  /**
   * A maker of teachers.
   *
   * @param trainer asked for only once there is something to train, since its start is slow
   */
  TeacherMaking(Supplier<Trainer> trainer, Evaluator evaluator) {
    this.trainer = trainer;
    this.evaluator = evaluator;
  }

  TrainedModel train(TrainRequest request, Progress progress) {
    check(request);
    try (UnfinishedRun run = UnfinishedRun.open(request.out())) {
      request.data().requirePlace();
      progress.report("read " + request.data(), 0, "");
      Dataset data = request.data().load();
      NetworkGraph graph =
          checked(
              () ->
                  NetworkCatalog.build(
                      request.network(), data.shape(), data.classes(), request.width()));
      TrainingPlan plan =
          checked(
              () ->
                  request
                      .plan()
                      .over(
                          TrainingPlan.usual(
                              request.data().kind(),
                              data.shape(),
                              data.train().count(),
                              request.plan().seed())));
      Map<String, Object> recipe = recipe(request, plan);
      run.claim(arguments(request, data, recipe));
      Preprocessing preprocessing = Preprocessing.measured(data.train());
      Network trained =
          trainer
              .get()
              .train(
                  new TrainingTask(
                      RandomWeights.of(graph, plan.seed()),
                      data,
                      preprocessing,
                      plan,
                      Optional.empty()),
                  Optional.of(run.checkpoints()),
                  progress.part(0, TRAINED));
      StoredModel model =
          new StoredModel(
              trained,
              data.labels(),
              preprocessing,
              new Provenance(
                  "",
                  data.digest().sha256Hex(),
                  recipe,
                  plan.seed(),
                  Map.of("onnxruntime", OrtModel.runtimeVersion())));
      Evaluation evaluation = write(request, model, data, progress.part(TRAINED, 1));
      run.finish();
      progress.report("done", 1, "");
      return new TrainedModel(request.out(), plan, evaluation, data.origin().warnings());
    }
  }

  private Evaluation write(
      TrainRequest request, StoredModel model, Dataset data, Progress progress) {
    try (PartialFolder partial = PartialFolder.open(request.out())) {
      StudentFolder.Onnx onnx = new StudentFolder.Onnx(OnnxExporter.fp32(model.network()));
      Evaluation evaluation = evaluator.evaluate(model, onnx.bytes(), data, progress);
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("accuracy", evaluation.accuracy());
      report.put("testImages", data.test().count());
      report.put("trainImages", data.train().count());
      report.put("warnings", data.origin().warnings());
      StudentFolder.write(
          partial.path(),
          new StudentFolder.Student(model, onnx, evaluation),
          StudentFolder.spread(data.test(), StudentFolder.GOLDEN_EXAMPLES, model.preprocessing()),
          report);
      partial.commit();
      return evaluation;
    } catch (IOException e) {
      throw new LabException(
          "output " + request.out(),
          "it cannot be written: " + e.getMessage(),
          "Check the disk and the permissions, then run the same command again",
          e);
    }
  }

  /** What can be told without the data. */
  private static void check(TrainRequest request) {
    checked(
        () -> {
          NetworkCatalog.Entry entry = NetworkCatalog.entry(request.network());
          return NetworkCatalog.build(
              request.network(), entry.input(), entry.classes(), request.width());
        });
    checked(() -> request.plan().over(TrainingPlan.quick(1, request.plan().seed())));
  }

  private static <T> T checked(Supplier<T> made) {
    try {
      return made.get();
    } catch (IllegalArgumentException e) {
      throw LabException.ofArgument(
          "cannot train this", String.valueOf(e.getMessage()), "Correct that argument");
    }
  }

  private static Map<String, Object> recipe(TrainRequest request, TrainingPlan plan) {
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("network", request.network());
    recipe.put("width", request.width());
    recipe.put("epochs", plan.epochs());
    recipe.put("batch", plan.batch());
    recipe.put("learningRate", plan.learningRate());
    recipe.put("weightDecay", plan.regularisation().weightDecay());
    recipe.put("labelSmoothing", plan.regularisation().labelSmoothing());
    recipe.put("cropPadding", plan.regularisation().cropPadding());
    recipe.put("flip", plan.regularisation().flip());
    return recipe;
  }

  /** Threads are not among them: they decide how fast a result comes, not what is learnt. */
  private static Map<String, String> arguments(
      TrainRequest request, Dataset data, Map<String, Object> recipe) {
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("data", request.data().toString());
    arguments.put("data content", data.digest().shortForm());
    recipe.forEach((name, value) -> arguments.put(name, value.toString()));
    arguments.put("seed", Long.toString(request.plan().seed()));
    return arguments;
  }
}
