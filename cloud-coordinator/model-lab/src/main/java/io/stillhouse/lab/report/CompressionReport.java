package io.stillhouse.lab.report;

import io.stillhouse.lab.evaluate.Evaluation;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

  /**
   * One of the four qualities of a network for the edge.
   *
   * @param name of the quality
   * @param measure what stands for it, with its unit
   * @param change of the student against the teacher: a factor by which the figure fell, or points
   */
  record Quality(String name, String measure, String teacher, String student, String change) {}

  /** Low memory, low compute, high accuracy, real time: always side by side. */
  List<Quality> qualities() {
    return List.of(
        lower("low memory", "file, bytes", e -> e.size().fileBytes()),
        lower("low memory", "activations, peak bytes", e -> e.size().activationPeakBytes()),
        lower("low compute", "multiply-accumulates", e -> e.size().macs()),
        new Quality(
            "high accuracy",
            "test images right, %",
            Figures.percent(teacher().accuracy()),
            Figures.percent(student().accuracy()),
            Figures.points(student().accuracy() - teacher().accuracy())),
        lower("real time", "ONNX Runtime, p50 µs", e -> e.speed().latencyP50Micros()));
  }

  private Quality lower(String name, String measure, ToLongFunction<Evaluation> figure) {
    long before = figure.applyAsLong(teacher());
    long after = figure.applyAsLong(student());
    return new Quality(
        name, measure, Figures.whole(before), Figures.whole(after), Figures.factor(before, after));
  }

  /** The document {@code report.json}. */
  public Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("accuracy", student().accuracy());
    fields.put("teacherAccuracy", teacher().accuracy());
    fields.put("stages", stages.stream().map(Stage::toFields).toList());
    Map<String, Object> total = new LinkedHashMap<>();
    total.put("accuracyPoints", 100 * (student().accuracy() - teacher().accuracy()));
    total.put("params", ratio(e -> e.size().params()));
    total.put("macs", ratio(e -> e.size().macs()));
    total.put("fileBytes", ratio(e -> e.size().fileBytes()));
    total.put("wireBytes", ratio(e -> e.size().wireBytes()));
    total.put("activationPeakBytes", ratio(e -> e.size().activationPeakBytes()));
    fields.put("timesSmaller", total);
    fields.put("notes", notes);
    fields.put("origin", origin);
    return fields;
  }

  private double ratio(ToLongFunction<Evaluation> figure) {
    long after = figure.applyAsLong(student());
    return after == 0 ? 0 : (double) figure.applyAsLong(teacher()) / after;
  }
}
