package io.stillhouse.lab.tailor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Which student each class got, and what was decided about every candidate for every class. */
public record TailorReport(
    double teacherAccuracy, List<ClassResult> classes, List<CandidateResult> candidates) {
  public TailorReport {
    classes = List.copyOf(classes);
    candidates = List.copyOf(candidates);
  }

  /**
   * What one class got.
   *
   * @param student empty when no candidate fits
   */
  public record ClassResult(String hardwareClass, Optional<MadeStudent> student) {}

  /**
   * A student that exists.
   *
   * @param key name of its folder below {@code students}
   * @param fileBytes measured, as is {@code accuracy}
   * @param predictedMicros 99th percentile on a device of the class
   * @param assumed true when the device measured no probes, so that a slow core was assumed
   */
  public record MadeStudent(
      String key, double accuracy, long fileBytes, double predictedMicros, boolean assumed) {}

  /**
   * One candidate as seen for one class.
   *
   * @param rejectedBecause empty for the accepted one
   */
  public record CandidateResult(
      String hardwareClass,
      Estimate estimate,
      double predictedMicros,
      boolean accepted,
      String rejectedBecause) {}

  /** The form that is written to {@code tailor.json}. */
  public Map<String, Object> toFields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("teacherAccuracy", teacherAccuracy);
    fields.put("classes", classes.stream().map(c -> fields(c)).toList());
    fields.put("candidates", candidates.stream().map(c -> fields(c)).toList());
    return fields;
  }

  private static Map<String, Object> fields(ClassResult result) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("hardwareClass", result.hardwareClass);
    result.student.ifPresentOrElse(
        student -> {
          fields.put("student", student.key);
          fields.put("accuracy", student.accuracy);
          fields.put("fileBytes", student.fileBytes);
          fields.put("predictedLatencyMicros", Math.round(student.predictedMicros));
          fields.put("latencyAssumed", student.assumed);
        },
        () -> fields.put("why", "no candidate fits; candidates say which budget each one breaks"));
    return fields;
  }

  private static Map<String, Object> fields(CandidateResult result) {
    Map<String, Object> fields = new LinkedHashMap<>();
    Candidate candidate = result.estimate.candidate();
    fields.put("hardwareClass", result.hardwareClass);
    fields.put("key", candidate.key());
    fields.put("network", candidate.network());
    fields.put("width", candidate.width());
    fields.put("pruneRatio", candidate.pruneRatio());
    fields.put("precision", candidate.precision().name().toLowerCase(Locale.ROOT));
    fields.put("params", result.estimate.cost().params());
    fields.put("macs", result.estimate.cost().macs());
    fields.put("fileBytes", result.estimate.fileBytes());
    fields.put("predictedMemoryBytes", result.estimate.memoryBytes());
    fields.put("predictedLatencyMicros", Math.round(result.predictedMicros));
    fields.put("accepted", result.accepted);
    fields.put("rejectedBecause", result.rejectedBecause);
    return fields;
  }
}
