package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.ModelRefusedException;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.util.List;

/** Applies compression steps to a teacher, one after the other. Thread-confined. */
public final class RecipeRun {
  /** Images that calibration looks at. */
  public static final int CALIBRATION_IMAGES = 512;

  /** Learning rate of training after a removal, as a share of that of training from nothing. */
  private static final double FINE_TUNE_RATE = 0.25;

  private final StudentTrainer trainer;
  private final Dataset data;
  private final StoredModel teacher;
  private final long seed;

  public RecipeRun(StudentTrainer trainer, Dataset data, StoredModel teacher, long seed) {
    this.trainer = trainer;
    this.data = data;
    this.teacher = teacher;
    this.seed = seed;
  }

  /** What a recipe made: the float network, and the file that a device gets. */
  public record Result(Network network, StudentFolder.Onnx onnx) {}

  public Result run(CompressionRecipe recipe, Progress progress) {
    Network network = teacher.network();
    List<Compression> steps = recipe.steps();
    for (int i = 0; i < steps.size(); i++) {
      Progress part = progress.part((double) i / steps.size(), (i + 1.0) / steps.size());
      Network before = network;
      if (steps.get(i) instanceof Compression.Quantize quantize) {
        return new Result(before, new StudentFolder.Onnx(quantize(before, quantize)));
      }
      network =
          steps
              .get(i)
              .match(
                  distill -> distill(distill, part),
                  prune -> prune(before, prune, part),
                  quantize -> before);
    }
    return new Result(network, new StudentFolder.Onnx(OnnxExporter.fp32(network)));
  }

  /** Trains a network of the catalogue on the teacher's logits. */
  public Network distill(Compression.Distill step, Progress progress) {
    NetworkGraph graph = teacher.network().graph();
    NetworkGraph student;
    try {
      student = NetworkCatalog.build(step.student(), graph.input(), graph.classes(), step.width());
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "recipe step distill", String.valueOf(e.getMessage()), "Change student or width", e);
    }
    TrainingPlan quick = TrainingPlan.quick(step.epochs(), seed).forImages(data.train().count());
    TrainingPlan.Regularisation usual = quick.regularisation();
    TrainingPlan plan =
        new TrainingPlan(
            quick.epochs(),
            quick.batch(),
            quick.learningRate(),
            new TrainingPlan.Regularisation(
                usual.weightDecay(),
                usual.labelSmoothing(),
                usual.cropPadding(),
                usual.flip(),
                new TrainingPlan.Distillation(step.temperature(), step.softLossWeight())),
            seed);
    return trainer.train(RandomWeights.of(student, seed), teacher.network(), plan, progress);
  }

  /** Removes channels and trains on. */
  public Network prune(Network network, Compression.Prune step, Progress progress) {
    Network smaller;
    try {
      smaller = ChannelPruner.prune(network, step.ratio(), step.roundTo());
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "recipe step prune",
          String.valueOf(e.getMessage()),
          "Leave the step out for this network",
          e);
    }
    if (step.epochs() == 0) {
      return smaller;
    }
    TrainingPlan quick = TrainingPlan.quick(step.epochs(), seed).forImages(data.train().count());
    return trainer.train(
        smaller,
        teacher.network(),
        quick.withLearningRate(FINE_TUNE_RATE * quick.learningRate()),
        progress);
  }

  /** The 8-bit file of a float network. */
  public byte[] quantize(Network network, Compression.Quantize step) {
    List<float[]> images =
        StudentFolder.spread(data.train(), CALIBRATION_IMAGES, teacher.preprocessing());
    try {
      return OnnxExporter.int8(network, Calibrator.calibrate(network, images, step.calibration()));
    } catch (IllegalArgumentException | ModelRefusedException e) {
      throw new LabException(
          "recipe step quantize", String.valueOf(e.getMessage()), "Keep float32", e);
    }
  }
}
