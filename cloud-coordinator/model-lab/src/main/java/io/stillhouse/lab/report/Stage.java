package io.stillhouse.lab.report;

import io.stillhouse.lab.evaluate.Evaluation;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A network at one point of a recipe, measured.
 *
 * @param name what was done last, e.g. {@code teacher} or {@code 2 prune}
 * @param evaluation of its float32 file; of the deployed file for the last stage
 * @param speed of its weights in either precision
 */
public record Stage(String name, Evaluation evaluation, Speed speed) {

  /**
   * Median microseconds of one inference in ONNX Runtime here, one thread; empty where no such file
   * can be made.
   */
  public record Speed(OptionalLong fp32Micros, OptionalLong int8Micros) {}

  Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("stage", name);
    fields.putAll(evaluation.toFields());
    speed.fp32Micros().ifPresent(micros -> fields.put("fp32P50Micros", micros));
    speed.int8Micros().ifPresent(micros -> fields.put("int8P50Micros", micros));
    return fields;
  }
}
