package io.stillhouse.lab.compress;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.QuantizeStep.Quantized;
import io.stillhouse.lab.compress.RoundedNetwork.Repair;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.model.recipe.Compression.Calibration;
import io.stillhouse.model.recipe.Compression.Quantize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Climbs from the cheapest repair to the dearest until the accuracy budget holds: what was asked,
 * other calibrations, equalisation, bias correction, and from the best of these on, layers kept in
 * float32. Stops at the first rung that holds.
 */
final class RescueLadder {
  private final StepContext context;
  private final List<float[]> images;
  private final boolean palette;
  private final List<Map<String, Object>> notes = new ArrayList<>();
  private final Map<String, Object> findings = new LinkedHashMap<>();

  /**
   * A ladder for one step.
   *
   * @param palette whether weights are of few values: then no rung equalises
   */
  RescueLadder(StepContext context, List<float[]> images, boolean palette) {
    this.context = context;
    this.images = images;
    this.palette = palette;
  }

  /**
   * The file of the first rung that holds.
   *
   * @param whole the float network that accuracy is compared with
   * @param trained the one that was trained with rounding, if any, with the ranges of its training
   */
  Quantized run(Network whole, Optional<RoundedNetwork> trained, Quantize step, Progress progress) {
    Validation validation = context.budget();
    byte[] floats = OnnxExporter.fp32(TrainingMarks.without(whole));
    double bound = validation.accuracy(floats) - step.repairs().accuracyDropMax();
    List<float[]> reference = validation.logits(floats);
    Network prepared = trained.map(RoundedNetwork::network).orElse(whole);
    @Nullable Tried best = null;
    for (Rung rung : rungs(step)) {
      if (progress.cancelled()) {
        throw new CancelledException("quantize");
      }
      RoundedNetwork attempt =
          rung.calibration
              .map(ranges -> RoundedNetwork.of(prepared, ranges, images, rung.repair))
              .or(() -> trained)
              .orElseThrow();
      if (rung.repair.equalise() || step.repairs().equalise()) {
        findings.putAll(QuantizeStep.equalised(attempt.network()));
      }
      byte[] onnx = attempt.onnx();
      double accuracy = validation.judged(onnx, reference).accuracy();
      notes.add(QuantizeStep.note(rung.toString(), accuracy, onnx));
      progress.report("quantize", 0, rung.toString());
      if (accuracy >= bound) {
        return quantized(attempt, onnx, Optional.of(attempt));
      }
      if (best == null || accuracy > best.accuracy()) {
        best = new Tried(rung, attempt, accuracy);
      }
    }
    Tried from = Objects.requireNonNull(best, "there is a first rung");
    MixedPrecision mixed = new MixedPrecision(validation, reference);
    SensitivityTable table = mixed.sensitivity(from.attempt(), progress);
    findings.put("sensitivity", table.toFields());
    Optional<MixedPrecision.Kept> kept =
        mixed.search(from.attempt(), table, bound, tried -> note(from.rung(), tried), progress);
    if (kept.isPresent()) {
      return quantized(from.attempt(), kept.get().onnx().bytes(), Optional.empty());
    }
    throw new LabException(
        "recipe step quantize",
        "after %d repairs the best accuracy on held-out training images is %.4f (expected: %.4f or more)"
            .formatted(notes.size(), reached(), bound),
        "Allow a larger accuracyDropMax, use mode qat, or keep float32");
  }

  private void note(Rung rung, MixedPrecision.Kept kept) {
    String tried = rung + ", float32: " + String.join(", ", kept.layers());
    notes.add(QuantizeStep.note(tried, kept.accuracy(), kept.onnx().bytes()));
  }

  private double reached() {
    return notes.stream()
        .mapToDouble(note -> (double) note.getOrDefault("accuracy", 0.0))
        .max()
        .orElse(0);
  }

  /** A rung that did not hold. */
  private record Tried(Rung rung, RoundedNetwork attempt, double accuracy) {}

  /**
   * One thing to try.
   *
   * @param calibration how ranges are observed; empty for those that training with rounding had
   */
  private record Rung(Optional<Calibration> calibration, Repair repair) {
    Rung(Calibration calibration, Repair repair) {
      this(Optional.of(calibration), repair);
    }

    @Override
    public String toString() {
      return "int8, "
          + calibration.map(YamlFields::spelled).orElse("ranges of training")
          + (repair.equalise() ? ", equalise" : "")
          + (repair.correctBias() ? ", correctBias" : "");
    }
  }

  private Set<Rung> rungs(Quantize step) {
    Repair asked = Repair.of(step);
    boolean trained = step.mode().trains();
    Set<Rung> rungs = new LinkedHashSet<>();
    if (trained) {
      rungs.add(new Rung(Optional.empty(), Repair.NONE));
    }
    rungs.add(new Rung(step.calibration(), asked));
    for (Calibration other : Calibration.values()) {
      rungs.add(new Rung(other, asked));
    }
    // Equalisation would move weights away from where training with rounding settled them.
    boolean equalise = !trained && !palette;
    if (equalise) {
      rungs.add(new Rung(step.calibration(), new Repair(true, asked.correctBias())));
    }
    rungs.add(new Rung(step.calibration(), new Repair(equalise, true)));
    return rungs;
  }

  private Quantized quantized(
      RoundedNetwork attempt, byte[] onnx, Optional<RoundedNetwork> rounded) {
    return new Quantized(
        attempt.network(),
        new StudentFolder.Onnx(onnx),
        rounded,
        List.copyOf(notes),
        new LinkedHashMap<>(findings));
  }
}
