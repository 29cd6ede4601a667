package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.UnlabelledPictures;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.tensor.FeaturePairs;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.Lesson;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Carries out a distillation step: a new network, and one or several teachers. */
final class DistillStep {
  private final StepContext context;

  DistillStep(StepContext context) {
    this.context = context;
  }

  /**
   * A student.
   *
   * @param warnings pictures that were skipped, one line each
   */
  record Distilled(Network network, List<String> warnings) {
    Distilled {
      warnings = List.copyOf(warnings);
    }
  }

  Distilled run(Distill step, Progress progress) {
    Network student;
    Network teacher;
    try {
      teacher = teachers(step.lesson());
      student = start(step, teacher.graph());
      if (step.lesson().method() == Lesson.Method.MUTUAL) {
        teacher = RandomWeights.of(student.graph(), ~context.seed());
      }
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "recipe step distill",
          String.valueOf(e.getMessage()),
          "Change student, width, method or teachers",
          e);
    }
    StepContext on = context;
    List<String> warnings = List.of();
    if (step.unlabelled().isPresent()) {
      Dataset pictures =
          UnlabelledPictures.instead(context.data(), Path.of(step.unlabelled().get()));
      warnings = pictures.origin().warnings();
      on = context.on(pictures);
    }
    TrainingPlan quick = on.plan(step.epochs());
    TrainingPlan.Regularisation usual = quick.regularisation();
    TrainingPlan plan =
        new TrainingPlan(
            quick.epochs(),
            quick.descent(),
            new TrainingPlan.Regularisation(
                usual.weightDecay(),
                // With a teacher labels are never smoothed: its baseline differs in nothing else.
                0,
                usual.views(),
                new TrainingPlan.Distillation(step.lesson())),
            context.seed());
    return new Distilled(
        TrainingMarks.without(on.trainer().train(student, teacher, plan, progress)), warnings);
  }

  private Network start(Distill step, NetworkGraph teacher) {
    NetworkGraph own = context.teacher().network().graph();
    NetworkGraph graph =
        step.student().equals(Distill.SAME)
            ? own
            : NetworkCatalog.build(step.student(), own.input(), own.classes(), step.width());
    Network student = RandomWeights.of(graph, context.seed());
    if (!step.lesson().method().comparesMaps()) {
      return student;
    }
    List<FeaturePairs.Pair> pairs = FeaturePairs.of(graph, teacher);
    return step.lesson().method() == Lesson.Method.HINTS
        ? withRegressor(student, FeaturePairs.middle(pairs))
        : student;
  }

  private Network withRegressor(Network student, FeaturePairs.Pair pair) {
    Random random = new Random(context.seed());
    float[] values = new float[pair.teacherChannels() * pair.studentChannels()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(pair.studentChannels()));
    }
    return new Network(
        student.graph(),
        student.weights().toBuilder()
            .put(
                pair.student() + TrainingMarks.REGRESSOR,
                values,
                pair.teacherChannels(),
                pair.studentChannels(),
                1,
                1)
            .build());
  }

  private Network teachers(Lesson lesson) {
    StoredModel first = context.teacher();
    List<Network> all = new ArrayList<>();
    all.add(first.network());
    for (String folder : lesson.teachers()) {
      StoredModel further = ModelStore.read(Path.of(folder));
      if (!further.preprocessing().equals(first.preprocessing())
          || !further.labels().equals(first.labels())) {
        throw new IllegalArgumentException(
            "teacher %s has other labels or another scaling of its input than the first"
                .formatted(folder));
      }
      all.add(further.network());
    }
    return all.size() == 1 ? first.network() : TeacherEnsemble.of(all);
  }
}
