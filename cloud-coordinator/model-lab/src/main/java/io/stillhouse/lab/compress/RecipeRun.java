package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Applies compression steps to a teacher, one after the other. Thread-confined. */
public final class RecipeRun {
  /** Images that calibration looks at. */
  public static final int CALIBRATION_IMAGES = 512;

  private final StepContext context;

  public RecipeRun(StudentTrainer trainer, Dataset data, StoredModel teacher, long seed) {
    this.context = new StepContext(trainer, data, teacher, seed);
  }

  /**
   * What a recipe made.
   *
   * @param network the float network
   * @param onnx the file that a device gets
   * @param notes what the steps found out on the way, by {@code step<n>.<topic>}, for the report
   * @param warnings pictures that steps skipped, one line each
   */
  public record Result(
      Network network, StudentFolder.Onnx onnx, Map<String, Object> notes, List<String> warnings) {
    public Result {
      warnings = List.copyOf(warnings);
      notes = Collections.unmodifiableMap(new LinkedHashMap<>(notes));
    }
  }

  /** Looks at what each step made, before the next one begins. */
  public interface Watcher {
    /**
     * Called after every step but the last, whose network is part of the result.
     *
     * @param place of the step, from 1
     * @param network without what only training needs
     */
    void after(int place, Compression step, Network network, Progress progress);
  }

  public Result run(CompressionRecipe recipe, Progress progress) {
    return run(recipe, (place, step, network, at) -> {}, progress);
  }

  public Result run(CompressionRecipe recipe, Watcher watcher, Progress progress) {
    Map<String, Object> notes = new LinkedHashMap<>();
    List<String> warnings = new ArrayList<>();
    List<Compression> steps = recipe.steps();
    // From the first step on: what a budget is judged by must not have been trained on.
    StepContext work =
        (bounded(steps) ? context.holdingOut() : context).computingIn(recipe.arithmetic());
    boolean palette = steps.stream().anyMatch(Compression.Cluster.class::isInstance);
    Network network = work.teacher().network();
    for (int i = 0; i < steps.size(); i++) {
      Progress part = progress.part((double) i / steps.size(), (i + 1.0) / steps.size());
      StepRun step = new StepRun(work, i + 1, notes, warnings);
      if (steps.get(i) instanceof Compression.Quantize quantize) {
        QuantizeStep.Quantized made = step.quantize(network, quantize, palette, part);
        return new Result(made.network(), made.onnx(), notes, warnings);
      }
      network = step.run(network, steps.get(i), part);
      if (i + 1 < steps.size()) {
        watcher.after(i + 1, steps.get(i), TrainingMarks.without(network), part.part(1, 1));
      }
    }
    Network made = TrainingMarks.without(network);
    byte[] onnx = palette ? OnnxExporter.palette(made) : OnnxExporter.fp32(made);
    return new Result(made, new StudentFolder.Onnx(onnx), notes, warnings);
  }

  /** Trains a new network on what the teacher says. */
  public Network distill(Compression.Distill step, Progress progress) {
    return new DistillStep(context).run(step, progress).network();
  }

  /** Removes channels and trains on. */
  public Network prune(Network network, Compression.Prune step, Progress progress) {
    return new PruneStep(context).run(network, step, progress).network();
  }

  private static boolean bounded(List<Compression> steps) {
    return steps.get(steps.size() - 1) instanceof Compression.Quantize quantize
        && quantize.repairs().accuracyDropMax() < 1;
  }

  /** The file of a float network in fewer bits. */
  public byte[] quantize(Network network, Compression.Quantize step) {
    return new QuantizeStep(context).run(network, step, Progress.none()).onnx().bytes();
  }
}
