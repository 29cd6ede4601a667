package io.stillhouse.lab;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.Tools;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.UnfinishedRun;
import io.stillhouse.lab.teacher.Trainer;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.teacher.TrainingTask;
import io.stillhouse.lab.tensor.Bf16Support;
import io.stillhouse.model.graph.Layer;
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
    TrainingStart start = checked(() -> TrainingStart.of(request.start()));
    TrainingPlan asked =
        checked(() -> request.plan().over(TrainingPlan.quick(1, request.plan().seed())));
    Bf16Support.require(asked.descent().arithmetic());
    try (UnfinishedRun run = UnfinishedRun.open(request.out())) {
      request.data().requirePlace();
      Dataset data = request.data().load();
      TrainingPlan usual =
          TrainingPlan.usual(
              request.data().kind(), data.shape(), data.train().count(), request.plan().seed());
      Network untrained = checked(() -> start.network(data, request.plan().seed()));
      double rate = start.rateShare(isNormalised(untrained)) * usual.learningRate();
      TrainingPlan plan = checked(() -> request.plan().over(usual.withLearningRate(rate)));
      Preprocessing preprocessing = start.preprocessing(data);
      Map<String, Object> recipe = recipe(start, plan);
      run.claim(arguments(request, data, recipe));
      // Not before: what cannot be trained is refused by one line and nothing else.
      progress.report(
          "read " + request.data(),
          0,
          "%d images, %d to test with".formatted(data.train().count(), data.test().count()));
      Network trained =
          trainer
              .get()
              .train(
                  new TrainingTask(untrained, data, preprocessing, plan, Optional.empty()),
                  Optional.of(run.checkpoints()),
                  progress.part(0, TRAINED));
      StoredModel model =
          new StoredModel(
              trained,
              data.labels(),
              preprocessing,
              new Provenance("", data.digest().sha256Hex(), recipe, plan.seed(), Tools.used()));
      Evaluation evaluation =
          new MeasuredFolder(evaluator)
              .write(request.out(), model, data, Map.of(), progress.part(TRAINED, 1));
      run.finish();
      progress.report("done", 1, "");
      return new TrainedModel(request.out(), plan, evaluation, data.origin().warnings());
    }
  }

  private static boolean isNormalised(Network network) {
    return network.graph().nodes().stream()
        .anyMatch(node -> node.layer() instanceof Layer.BatchNorm);
  }

  private static <T> T checked(Supplier<T> made) {
    try {
      return made.get();
    } catch (IllegalArgumentException e) {
      throw LabException.ofArgument(
          "cannot train this", String.valueOf(e.getMessage()), "Correct that argument");
    }
  }

  private static Map<String, Object> recipe(TrainingStart start, TrainingPlan plan) {
    Map<String, Object> recipe = new LinkedHashMap<>(start.recipe());
    recipe.put("epochs", plan.epochs());
    recipe.put("batch", plan.batch());
    recipe.put("learningRate", plan.learningRate());
    recipe.put("arithmetic", plan.descent().arithmetic().word());
    recipe.put("weightDecay", plan.regularisation().weightDecay());
    recipe.put("labelSmoothing", plan.regularisation().labelSmoothing());
    TrainingPlan.Views views = plan.regularisation().views();
    recipe.put("cropPadding", views.cropPadding());
    recipe.put("flip", views.flip());
    recipe.put("cutout", views.cutout());
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
