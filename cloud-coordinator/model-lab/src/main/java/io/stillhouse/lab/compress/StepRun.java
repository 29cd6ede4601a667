package io.stillhouse.lab.compress;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.recipe.Compression;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Carries out one step of a recipe, and notes for the report what it found out on the way. */
final class StepRun {
  /** Share of the step that trying single layers is taken for, in its progress. */
  private static final double TRIALS_SHARE = 0.05;

  private final StepContext context;
  private final int place;
  private final Map<String, Object> notes;
  private final List<String> warnings;

  /**
   * The step at a place.
   *
   * @param place from 1
   * @param notes gets {@code step<place>.<topic>} for each finding
   * @param warnings gets what was skipped, one line each
   */
  StepRun(StepContext context, int place, Map<String, Object> notes, List<String> warnings) {
    this.context = context;
    this.place = place;
    this.notes = notes;
    this.warnings = warnings;
  }

  /** Any step but quantization, whose file is no longer of floats. */
  Network run(Network before, Compression step, Progress progress) {
    Progress work = progress.part(0, 1 - TRIALS_SHARE);
    Progress trials = progress.part(1 - TRIALS_SHARE, 1);
    return step.match(
        distill -> {
          DistillStep.Distilled made = new DistillStep(context).run(distill, work);
          warnings.addAll(made.warnings());
          return made.network();
        },
        redesign -> {
          RedesignStep.Redesigned made = new RedesignStep(context).run(before, redesign, work);
          note("redesign", made.layers());
          return made.network();
        },
        prune -> {
          PruneStep.Pruned made = new PruneStep(context).run(before, prune, work);
          note("prune", made.groups());
          if (made.sensitivity().isPresent()) {
            note("sensitivity", made.sensitivity().get().toFields());
          } else {
            tryAlone("prune", before, made.alone(), trials);
          }
          return made.network();
        },
        lowRank -> {
          LowRankStep.Factorised made = new LowRankStep(context).run(before, lowRank, work);
          note("lowRank", made.layers());
          tryAlone("lowRank", before, made.alone(), trials);
          return made.network();
        },
        sparsify -> {
          LayerTrials.Compressed made = new SparsifyStep(context).run(before, sparsify, work);
          tryAlone("sparsify", before, made.alone(), trials);
          return made.network();
        },
        cluster -> {
          LayerTrials.Compressed made = new ClusterStep(context).run(before, cluster, work);
          tryAlone("cluster", before, made.alone(), trials);
          return made.network();
        },
        quantize -> {
          throw new IllegalArgumentException("quantize makes a file, not a network");
        });
  }

  /**
   * Quantization, which is always last.
   *
   * @param palette whether weights are of few values and shall stay so
   */
  QuantizeStep.Quantized quantize(
      Network before, Compression.Quantize step, boolean palette, Progress progress) {
    QuantizeStep.Quantized made =
        new QuantizeStep(context, palette).run(before, step, progress.part(0, 1 - TRIALS_SHARE));
    if (!made.notes().isEmpty()) {
      note("quantize", made.notes());
    }
    made.findings().forEach(this::note);
    made.rounded()
        .ifPresent(
            attempt -> {
              OptionalDouble simulated = context.trainer().accuracy(attempt.simulated());
              if (simulated.isPresent()) {
                note("simulated", Map.of("accuracyInTraining", simulated.getAsDouble()));
              }
              tryAloneInInt8(attempt, progress.part(1 - TRIALS_SHARE, 1));
            });
    return made;
  }

  private void tryAlone(
      String method, Network before, List<LayerTrials.Trial> trials, Progress progress) {
    note(
        "sensitivity",
        new LayerTrials(context).measure(method, before, trials, progress).toFields());
  }

  private void tryAloneInInt8(RoundedNetwork attempt, Progress progress) {
    Network floats = TrainingMarks.without(attempt.network());
    int layers = OnnxExporter.multipliers(floats).size();
    Validation validation = new LayerTrials(context).validation(floats, layers);
    List<float[]> reference = validation.logits(OnnxExporter.fp32(floats));
    note(
        "sensitivity",
        new MixedPrecision(validation, reference).sensitivity(attempt, progress).toFields());
  }

  private void note(String topic, Object found) {
    notes.put("step" + place + "." + topic, found);
  }
}
