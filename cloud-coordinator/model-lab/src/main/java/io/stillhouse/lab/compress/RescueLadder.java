package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.QuantizeStep.Attempt;
import io.stillhouse.lab.compress.QuantizeStep.Attempt.Repair;
import io.stillhouse.lab.compress.QuantizeStep.Quantized;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Climbs from the cheapest repair to the dearest until the accuracy budget holds: what was asked,
 * other calibrations, equalisation, bias correction. Stops at the first rung that holds. Keeping a
 * layer in float32 is no rung: between 8-bit results the runtime's optimizer turns it into integers
 * all the same.
 */
final class RescueLadder {
  private final StepContext context;
  private final List<float[]> images;
  private final List<Map<String, Object>> notes = new ArrayList<>();

  RescueLadder(StepContext context, List<float[]> images) {
    this.context = context;
    this.images = images;
  }

  /**
   * The file of the first rung that holds.
   *
   * @param whole the float network that accuracy is compared with
   * @param prepared the one to be quantized, trained with rounding perhaps
   */
  Quantized run(Network whole, Network prepared, Quantize step, Progress progress) {
    Validation validation = new Validation(context.data(), context.teacher().preprocessing());
    byte[] floats = OnnxExporter.fp32(TrainingMarks.without(whole));
    double bound = validation.accuracy(floats) - step.repairs().accuracyDropMax();
    List<float[]> reference = validation.logits(floats);
    double best = 0;
    for (Rung rung : rungs(step)) {
      if (progress.cancelled()) {
        throw new CancelledException("quantize");
      }
      Attempt attempt = Attempt.of(prepared, rung.calibration, images, rung.repair);
      byte[] onnx = attempt.onnx();
      Validation.Judged judged = validation.judged(onnx, reference);
      notes.add(QuantizeStep.note(rung.toString(), judged.accuracy(), onnx));
      progress.report("quantize", 0, rung.toString());
      if (judged.accuracy() >= bound) {
        return quantized(attempt, onnx);
      }
      best = Math.max(best, judged.accuracy());
    }
    throw new LabException(
        "recipe step quantize",
        "after %d repairs the best accuracy on training images is %.4f (expected: %.4f or more)"
            .formatted(notes.size(), best, bound),
        "Allow a larger accuracyDropMax, use mode qat, or keep float32");
  }

  private record Rung(Calibration calibration, Repair repair) {
    @Override
    public String toString() {
      return "int8, "
          + YamlFields.spelled(calibration)
          + (repair.equalise() ? ", equalise" : "")
          + (repair.correctBias() ? ", correctBias" : "");
    }
  }

  private static Set<Rung> rungs(Quantize step) {
    Repair asked = Repair.of(step);
    Set<Rung> rungs = new LinkedHashSet<>();
    rungs.add(new Rung(step.calibration(), asked));
    for (Calibration other : Calibration.values()) {
      rungs.add(new Rung(other, asked));
    }
    // Equalisation would move weights away from where training with rounding settled them.
    boolean trained = step.mode() == Quantize.Mode.QAT;
    if (!trained) {
      rungs.add(new Rung(step.calibration(), new Repair(true, asked.correctBias())));
    }
    rungs.add(new Rung(step.calibration(), new Repair(asked.equalise() || !trained, true)));
    return rungs;
  }

  private Quantized quantized(Attempt attempt, byte[] onnx) {
    return new Quantized(attempt.network(), new StudentFolder.Onnx(onnx), List.copyOf(notes));
  }
}
