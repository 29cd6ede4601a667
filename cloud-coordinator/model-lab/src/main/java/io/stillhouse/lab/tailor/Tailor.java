package io.stillhouse.lab.tailor;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.tailor.TailorReport.CandidateResult;
import io.stillhouse.lab.tailor.TailorReport.ClassResult;
import io.stillhouse.lab.tailor.TailorReport.MadeStudent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes a student for every class: plan, make, measure; a student that breaks a budget which can be
 * measured here makes way for the next candidate. What can only be measured on the device, latency
 * and memory, is predicted here and decided by the device's self-test. Thread-confined.
 */
public final class Tailor {
  /** Name of the report below the output folder. */
  public static final String REPORT = "tailor.json";

  private final StudentTrainer trainer;
  private final Evaluator evaluator;

  public Tailor(StudentTrainer trainer, Evaluator evaluator) {
    this.trainer = trainer;
    this.evaluator = evaluator;
  }

  /**
   * Makes the students, writes {@code tailor.json}, and leaves everything it made in the folder.
   */
  public TailorReport run(TailorOrder order, Progress progress) {
    StoredModel teacher = order.teacher().model();
    requireSameTask(teacher, order.data());
    List<Estimate> estimates =
        order.plan().space().candidates().stream()
            .map(
                c ->
                    Estimate.of(
                        c, teacher.network().graph().input(), teacher.network().graph().classes()))
            .toList();
    double teacherAccuracy;
    try (OrtModel model = OrtModel.open(OnnxExporter.fp32(teacher.network()))) {
      teacherAccuracy =
          Evaluator.accuracy(
              model, order.data().test(), teacher.preprocessing(), progress.part(0, 0.05));
    }
    Workshop workshop = new Workshop(order, trainer, evaluator);
    List<ClassResult> classes = new ArrayList<>();
    List<CandidateResult> candidates = new ArrayList<>();
    for (int i = 0; i < order.targets().size(); i++) {
      double from = 0.05 + 0.95 * i / order.targets().size();
      double to = 0.05 + 0.95 * (i + 1) / order.targets().size();
      ClassWork work = new ClassWork(order.targets().get(i), estimates, teacherAccuracy);
      classes.add(work.run(workshop, progress.part(from, to)));
      candidates.addAll(work.results());
    }
    TailorReport report = new TailorReport(teacherAccuracy, classes, candidates);
    write(order.out(), report);
    progress.report("tailor", 1, "");
    return report;
  }

  /** The search for one class. */
  private static final class ClassWork {
    private final ClassTarget target;
    private final List<Estimate> estimates;
    private final double teacherAccuracy;
    private final Map<String, TailorPlanner.Broken> broken = new HashMap<>();
    private TailorPlanner.Choice choice;

    ClassWork(ClassTarget target, List<Estimate> estimates, double teacherAccuracy) {
      this.target = target;
      this.estimates = estimates;
      this.teacherAccuracy = teacherAccuracy;
      this.choice = TailorPlanner.choose(estimates, target.profile(), broken);
    }

    ClassResult run(Workshop workshop, Progress progress) {
      String name = target.hardwareClass().name();
      while (choice.chosen().isPresent()) {
        if (progress.cancelled()) {
          throw new CancelledException("tailor");
        }
        Estimate estimate = choice.chosen().get();
        String key = estimate.candidate().key();
        progress.report("tailor", 0, name + ": making " + key);
        Workshop.Measured measured = workshop.student(estimate.candidate(), progress);
        Optional<TailorPlanner.Broken> budget = brokenBudget(measured);
        if (budget.isEmpty()) {
          progress.report(
              "tailor", 1, "%s: %s, accuracy %.4f".formatted(name, key, measured.accuracy()));
          LatencyPredictor predictor = new LatencyPredictor(target.profile().probes());
          return new ClassResult(
              name,
              Optional.of(
                  new MadeStudent(
                      key,
                      measured.accuracy(),
                      measured.fileBytes(),
                      predictor.p99Micros(estimate.graph(), estimate.candidate().precision()),
                      predictor.assumes(estimate.candidate().precision()))));
        }
        broken.put(key, budget.get());
        choice = TailorPlanner.choose(estimates, target.profile(), broken);
      }
      progress.report("tailor", 1, name + ": no candidate fits");
      return new ClassResult(name, Optional.empty());
    }

    private Optional<TailorPlanner.Broken> brokenBudget(Workshop.Measured measured) {
      double drop = teacherAccuracy - measured.accuracy();
      if (!target.tolerates(drop)) {
        return Optional.of(
            new TailorPlanner.Broken(
                "accuracy %.4f is %.4f below the teacher's (allowed %.4f)"
                    .formatted(measured.accuracy(), drop, target.accuracyDropMax()),
                true));
      }
      long fileMax = target.profile().limits().fileBytesMax();
      return fileMax > 0 && measured.fileBytes() > fileMax
          ? Optional.of(
              new TailorPlanner.Broken(
                  "file %d bytes > %d".formatted(measured.fileBytes(), fileMax), false))
          : Optional.empty();
    }

    /** Every candidate with the decision about it, in the order of expected accuracy. */
    List<CandidateResult> results() {
      LatencyPredictor predictor = new LatencyPredictor(target.profile().probes());
      String chosen = choice.chosen().map(e -> e.candidate().key()).orElse("");
      return estimates.stream()
          .sorted(TailorPlanner.BY_EXPECTED_ACCURACY)
          .map(
              estimate -> {
                String key = estimate.candidate().key();
                boolean accepted = key.equals(chosen);
                return new CandidateResult(
                    target.hardwareClass().name(),
                    estimate,
                    predictor.p99Micros(estimate.graph(), estimate.candidate().precision()),
                    accepted,
                    accepted
                        ? ""
                        : choice.rejected().getOrDefault(key, chosen + " promises more and fits"));
              })
          .toList();
    }
  }

  private static void requireSameTask(StoredModel teacher, Dataset data) {
    if (!data.shape().equals(teacher.network().graph().input())
        || data.classes() != teacher.network().graph().classes()) {
      throw new LabException(
          "data of shape %s and %d classes".formatted(data.shape(), data.classes()),
          "the teacher was trained for %s and %d"
              .formatted(teacher.network().graph().input(), teacher.network().graph().classes()),
          "Use the data that the teacher was trained for");
    }
  }

  private static void write(Path out, TailorReport report) {
    Path partial = out.resolve(REPORT + ".partial");
    try {
      Files.createDirectories(out);
      Files.writeString(
          partial,
          new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(report.toFields())
              + "\n");
      Files.move(partial, out.resolve(REPORT), StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new LabException(
          "report " + out.resolve(REPORT),
          "it cannot be written: " + e.getMessage(),
          "Check the disk and the permissions",
          e);
    }
  }
}
