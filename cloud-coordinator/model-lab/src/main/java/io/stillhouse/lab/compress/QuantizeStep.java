package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.evaluate.ModelRefusedException;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Carries out a quantization step. */
final class QuantizeStep {
  private final StepContext context;
  private final boolean palette;

  QuantizeStep(StepContext context) {
    this(context, false);
  }

  /**
   * A step in a recipe.
   *
   * @param palette whether weights are of few values and shall stay so, which equalisation ends
   */
  QuantizeStep(StepContext context, boolean palette) {
    this.context = context;
    this.palette = palette;
  }

  /**
   * A network and its file.
   *
   * @param network the float network that the file was written from
   * @param rounded what the file rounds throughout; empty where it keeps some layers in float32, or
   *     where nothing is rounded
   * @param notes what was tried, in order; empty without a bound on accuracy
   * @param findings what else the report should show, by topic
   */
  record Quantized(
      Network network,
      StudentFolder.Onnx onnx,
      Optional<Attempt> rounded,
      List<Map<String, Object>> notes,
      Map<String, Object> findings) {}

  Quantized run(Network network, Quantize step, Progress progress) {
    if (step.repairs().accuracyDropMax() < 1 && context.held().isEmpty()) {
      return new QuantizeStep(context.holdingOut(), palette).run(network, step, progress);
    }
    try {
      if (step.precision() == Precision.FP16) {
        byte[] half = OnnxExporter.fp16(TrainingMarks.without(network));
        return made(network, half, Optional.empty(), Map.of());
      }
      List<float[]> images = images();
      Optional<Attempt> trained = Optional.empty();
      if (step.mode().trains()) {
        trained = Optional.of(trained(network, step, images, progress.part(0, 0.8)));
      }
      if (step.repairs().accuracyDropMax() < 1) {
        return new RescueLadder(context, images, palette)
            .run(network, trained, step, progress.part(0.8, 1));
      }
      Attempt attempt =
          trained.orElseGet(
              () -> Attempt.of(network, step.calibration(), images, Attempt.Repair.of(step)));
      return made(
          attempt.network(),
          attempt.onnx(),
          Optional.of(attempt),
          step.repairs().equalise() ? equalised(attempt.network()) : Map.of());
    } catch (IllegalArgumentException | ModelRefusedException e) {
      throw new LabException(
          "recipe step quantize", String.valueOf(e.getMessage()), "Keep float32", e);
    }
  }

  private static Quantized made(
      Network network, byte[] onnx, Optional<Attempt> rounded, Map<String, Object> findings) {
    return new Quantized(
        TrainingMarks.without(network), new StudentFolder.Onnx(onnx), rounded, List.of(), findings);
  }

  /** What the report says of equalisation, which may have found nothing to do. */
  static Map<String, Object> equalised(Network network) {
    return Map.of("equalise", CrossLayerEqualisation.note(BatchNormFolding.fold(network).graph()));
  }

  private List<float[]> images() {
    return StudentFolder.spread(
        context.data().train(), RecipeRun.CALIBRATION_IMAGES, context.teacher().preprocessing());
  }

  /**
   * Folds normalisation, marks every result with its range and trains. The ranges of the attempt
   * are those that training rounded to: weights have settled by them and would be rounded at other
   * places with others.
   */
  private Attempt trained(Network network, Quantize step, List<float[]> images, Progress progress) {
    Network folded = BatchNormFolding.fold(network);
    if (step.repairs().equalise()) {
      folded = CrossLayerEqualisation.equalise(folded);
    }
    ActivationRanges ranges =
        Calibrator.calibrate(TrainingMarks.without(folded), images, step.calibration());
    String mark =
        step.mode() == Quantize.Mode.QAT_LEARNED ? TrainingMarks.BOUNDS : TrainingMarks.RANGE;
    // In single precision whatever the recipe says: it rounds as the runtime does to the last bit.
    Network trained =
        context
            .computingIn(Arithmetic.FP32)
            .fineTune(
                marked(folded, ranges, mark), step.epochs(), StepContext.FOLDED_RATE, progress);
    return new Attempt(TrainingMarks.without(trained), left(trained));
  }

  /** Ranges as training left them: those that it held, and those that it was allowed to move. */
  private static ActivationRanges left(Network trained) {
    Map<String, ActivationRanges.Range> byNode = new LinkedHashMap<>();
    for (Node node : trained.graph().nodes()) {
      for (String kind : List.of(TrainingMarks.RANGE, TrainingMarks.BOUNDS)) {
        if (trained.weights().has(node.name() + kind)) {
          float[] ends = trained.weights().values(node.name() + kind);
          byNode.put(node.name(), ActivationRanges.Range.covering(ends[0], ends[1]));
        }
      }
    }
    return new ActivationRanges(byNode);
  }

  /** A folded network whose training rounds as a file with these ranges will. */
  static Network marked(Network folded, ActivationRanges ranges) {
    return marked(folded, ranges, TrainingMarks.RANGE);
  }

  private static Network marked(Network folded, ActivationRanges ranges, String mark) {
    Weights.Builder weights = folded.weights().toBuilder();
    // In the order of the graph, because it reaches digests of checkpoints.
    folded
        .graph()
        .nodes()
        .forEach(
            node -> {
              ActivationRanges.Range range = ranges.byNode().get(node.name());
              if (range == null) {
                return;
              }
              // The file gives it the whole of [0, 1], whatever was observed.
              boolean whole =
                  node.layer() instanceof Layer.Activation activation
                      && activation.function() == Layer.Activation.Function.HARD_SIGMOID;
              weights.put(
                  node.name() + (whole ? TrainingMarks.RANGE : mark),
                  whole ? new float[] {0, 1} : new float[] {range.low(), range.high()},
                  2);
            });
    return new Network(folded.graph(), weights.build());
  }

  /** A network prepared for rounding, and the ranges that were seen in it. */
  record Attempt(Network network, ActivationRanges ranges) {

    /** What is done to the network before ranges are looked for. */
    record Repair(boolean equalise, boolean correctBias) {
      static final Repair NONE = new Repair(false, false);

      static Repair of(Quantize step) {
        // Equalisation comes before training with rounding, and must not follow it.
        return step.mode().trains()
            ? NONE
            : new Repair(step.repairs().equalise(), step.repairs().correctBias());
      }
    }

    static Attempt of(
        Network network, Calibration calibration, List<float[]> images, Repair repair) {
      Network prepared = TrainingMarks.without(network);
      if (repair.equalise() || repair.correctBias()) {
        prepared = BatchNormFolding.fold(prepared);
        prepared = repair.equalise() ? CrossLayerEqualisation.equalise(prepared) : prepared;
        prepared = repair.correctBias() ? BiasCorrection.correct(prepared, images) : prepared;
      }
      return new Attempt(prepared, Calibrator.calibrate(prepared, images, calibration));
    }

    /** A network that rounds in training as the file does. */
    Network simulated() {
      return marked(OnnxExporter.integerForm(network), ranges);
    }

    byte[] onnx() {
      return onnx(Set.of());
    }

    /** With these layers in float32. */
    byte[] onnx(Set<String> floats) {
      return OnnxExporter.int8(network, ranges, floats);
    }
  }

  /** One line of what was tried. */
  static Map<String, Object> note(String tried, double accuracy, byte[] onnx) {
    Map<String, Object> note = new LinkedHashMap<>();
    note.put("tried", tried);
    note.put("accuracy", accuracy);
    note.put("fileBytes", onnx.length);
    return note;
  }
}
