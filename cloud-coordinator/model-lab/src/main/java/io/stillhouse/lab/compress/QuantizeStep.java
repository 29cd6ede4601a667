package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.evaluate.ModelRefusedException;
import io.stillhouse.lab.export.ActivationRanges;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.Precision;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
      Optional<RoundedNetwork> rounded,
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
      Optional<RoundedNetwork> trained = Optional.empty();
      if (step.mode().trains()) {
        trained = Optional.of(trained(network, step, images, progress.part(0, 0.8)));
      }
      if (step.repairs().accuracyDropMax() < 1) {
        return new RescueLadder(context, images, palette)
            .run(network, trained, step, progress.part(0.8, 1));
      }
      RoundedNetwork attempt =
          trained.orElseGet(
              () ->
                  RoundedNetwork.of(
                      network, step.calibration(), images, RoundedNetwork.Repair.of(step)));
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
      Network network,
      byte[] onnx,
      Optional<RoundedNetwork> rounded,
      Map<String, Object> findings) {
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
   * Folds normalisation, marks every result with its range and trains. The ranges of the result are
   * those that training rounded to: weights have settled by them and would be rounded at other
   * places with others.
   */
  private RoundedNetwork trained(
      Network network, Quantize step, List<float[]> images, Progress progress) {
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
                RoundedNetwork.marked(folded, ranges, mark),
                step.epochs(),
                StepContext.FOLDED_RATE,
                progress);
    return new RoundedNetwork(
        TrainingMarks.without(trained), RoundedNetwork.rangesOfTraining(trained));
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
