package io.stillhouse.lab.report;

import io.stillhouse.lab.evaluate.Evaluation;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What a recipe did to a teacher, step by step.
 *
 * @param stages the teacher, then the network after each step; at least two
 * @param notes what steps found out, by {@code step<n>.<topic>}, and {@code warnings} about what
 *     was read: maps, lists of maps, or text
 * @param origin how the student can be made again, by name
 */
public record CompressionReport(
    List<Stage> stages, Map<String, Object> notes, Map<String, Object> origin) {
  public CompressionReport {
    stages = List.copyOf(stages);
    notes = Collections.unmodifiableMap(new LinkedHashMap<>(notes));
    origin = Collections.unmodifiableMap(new LinkedHashMap<>(origin));
    if (stages.size() < 2) {
      throw new IllegalArgumentException(
          "stages: %d (expected: 2 or more)".formatted(stages.size()));
    }
  }

  Evaluation teacher() {
    return stages.get(0).evaluation();
  }

  Evaluation student() {
    return stages.get(stages.size() - 1).evaluation();
  }

  /** Low memory, low compute, high accuracy, real time: always side by side. */
  List<Quality> qualities() {
    return Arrays.stream(Quality.Figure.values())
        .map(figure -> Quality.of(figure, teacher(), student()))
        .filter(Quality::measured)
        .toList();
  }

  /** The document {@code report.json}. */
  public Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("accuracy", student().accuracy());
    fields.put("teacherAccuracy", teacher().accuracy());
    fields.put("qualities", qualities().stream().map(Quality::toFields).toList());
    fields.put("stages", stages.stream().map(Stage::toFields).toList());
    Map<String, Object> total = new LinkedHashMap<>();
    total.put("accuracyPoints", 100 * (student().accuracy() - teacher().accuracy()));
    total.put("params", ratio(e -> e.size().params()));
    total.put("macs", ratio(e -> e.size().macs()));
    total.put("fileBytes", ratio(e -> e.size().fileBytes()));
    total.put("wireBytes", ratio(e -> e.size().wireBytes()));
    total.put("activationPeakBytes", ratio(e -> e.size().activationPeakBytes()));
    total.put("latencyP50Micros", ratio(e -> e.speed().latencyP50Micros()));
    faster(Stage.Speed::fp32Micros).ifPresent(times -> total.put("fp32P50Micros", times));
    faster(Stage.Speed::int8Micros).ifPresent(times -> total.put("int8P50Micros", times));
    fields.put("timesSmaller", total);
    fields.put("notes", notes);
    fields.put("origin", origin);
    return fields;
  }

  private double ratio(ToLongFunction<Evaluation> figure) {
    long after = figure.applyAsLong(student());
    return after == 0 ? 0 : (double) figure.applyAsLong(teacher()) / after;
  }

  /** The same weights' precision on both sides; empty where either has no such file. */
  private OptionalDouble faster(Function<Stage.Speed, OptionalLong> micros) {
    OptionalLong before = micros.apply(stages.get(0).speed());
    OptionalLong after = micros.apply(stages.get(stages.size() - 1).speed());
    return before.isPresent() && after.orElse(0) > 0
        ? OptionalDouble.of((double) before.getAsLong() / after.getAsLong())
        : OptionalDouble.empty();
  }
}
