package io.stillhouse.lab.tailor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.compress.RecipeRun;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.compress.StudentTrainer;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.evaluate.Evaluation;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.evaluate.OrtModel;
import io.stillhouse.lab.export.OnnxExporter;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.lab.network.SafeTensors;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.Digest;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.profile.Board;
import io.stillhouse.model.profile.CpuArch;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.model.recipe.Compression.Calibration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TailorTest {
  private static final long SEED = 23;
  private static final ImageShape SHAPE = new ImageShape(1, 28, 28);
  private static final Evaluator EVALUATOR = new Evaluator(System::nanoTime);
  private static final StoredModel TEACHER =
      new StoredModel(
          Networks.catalogue("resnet8", "1x28x28", 0.25, SEED),
          List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"),
          new Preprocessing(List.of(0.5f), List.of(0.25f)),
          new Provenance("", "", Map.of(), SEED, Map.of()));

  /** Learns nothing, and remembers what it was asked. */
  private static final class CountingTrainer implements StudentTrainer {
    final List<String> asked = new ArrayList<>();

    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      asked.add(plan.epochs() + " epochs of " + start.weights().count());
      return Networks.lived(start, plan.seed());
    }
  }

  @Test
  void unlike_classes_get_unlike_students_and_shared_work_is_done_once(@TempDir Path out)
      throws Exception {
    CountingTrainer trainer = new CountingTrainer();
    TailorReport report =
        new Tailor(trainer, EVALUATOR)
            .run(
                order(
                    out,
                    1.0,
                    limits(0, 0),
                    limits(96 << 10, 0),
                    limits(47 << 10, 0),
                    limits(96 << 10, 64 << 20)),
                Progress.none());
    assertThat(keys(report))
        .containsExactly(
            "separable_small-w100-p00-fp32",
            "separable_small-w100-p00-int8",
            "separable_small-w075-p00-int8",
            "separable_small-w100-p00-int8");
    // Width 1 once for three classes and two precisions, width 0.75 once.
    assertThat(trainer.asked).hasSize(2);
    JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(out.resolve("tailor.json")));
    assertThat(json.path("classes")).hasSize(4);
    assertThat(json.path("candidates")).hasSize(4 * 16);
    assertThat(json.path("candidates").path(0).path("rejectedBecause").asText()).isEmpty();
    assertThat(json.path("candidates").path(1).path("rejectedBecause").asText())
        .isEqualTo("separable_small-w100-p00-fp32 promises more and fits");
    assertThat(json.path("candidates").path(16).path("rejectedBecause").asText())
        .startsWith("file ");
  }

  @Test
  void predicted_file_sizes_are_exact(@TempDir Path out) throws Exception {
    TailorReport report =
        new Tailor(new CountingTrainer(), EVALUATOR)
            .run(order(out, 1.0, limits(0, 0), limits(47 << 10, 0)), Progress.none());
    for (TailorReport.CandidateResult result : report.candidates()) {
      Path file =
          out.resolve("students")
              .resolve(result.estimate().candidate().key())
              .resolve("model.onnx");
      if (result.accepted()) {
        assertThat(Files.size(file)).isEqualTo(result.estimate().fileBytes());
      }
    }
  }

  @Test
  void a_run_that_was_stopped_goes_on_where_it_was(@TempDir Path out) {
    CountingTrainer first = new CountingTrainer();
    Progress stopping =
        new Progress() {
          @Override
          public void report(String step, double fraction, String message) {}

          @Override
          public boolean cancelled() {
            return first.asked.size() == 2;
          }
        };
    TailorOrder order = order(out, 1.0, limits(0, 0), limits(47 << 10, 0));
    assertThatThrownBy(() -> new Tailor(first, EVALUATOR).run(order, stopping))
        .isInstanceOf(CancelledException.class);
    assertThat(out.resolve("students/separable_small-w075-p00-int8")).doesNotExist();
    CountingTrainer second = new CountingTrainer();
    assertThat(keys(new Tailor(second, EVALUATOR).run(order, Progress.none()))).hasSize(2);
    assertThat(second.asked).isEmpty();
  }

  @Test
  void a_student_says_the_recipe_that_makes_it_again(@TempDir Path out) throws Exception {
    TailorOrder standard = order(out, 1.0, limits(47 << 10, 0));
    CandidateSpace pruned =
        new CandidateSpace("separable_small", List.of(0.5), List.of(0.4), List.of(Precision.INT8));
    TailorOrder order =
        new TailorOrder(
            new TailorOrder.Teacher(
                TEACHER, Digest.of(new byte[] {1}), Map.of("data", "idx:somewhere")),
            standard.data(),
            standard.targets(),
            new TailorPlan(
                SEED, Optional.of(new TailorPlan.Epochs(2, 1)), Calibration.MIN_MAX, pruned),
            out);
    TailorReport report = new Tailor(new CountingTrainer(), EVALUATOR).run(order, Progress.none());
    Path student = out.resolve("students").resolve(keys(report).get(0));
    String recipe = String.valueOf(ModelStore.read(student).provenance().recipe().get("yaml"));
    RecipeRun.Result again =
        new RecipeRun(new CountingTrainer(), order.data(), TEACHER, SEED)
            .run(RecipeYaml.parse("provenance", recipe), Progress.none());
    assertThat(again.onnx().bytes()).isEqualTo(Files.readAllBytes(student.resolve("model.onnx")));
    assertThat(
            new ObjectMapper()
                .readTree(student.resolve("report.json").toFile())
                .path("origin")
                .path("data")
                .asText())
        .isEqualTo("idx:somewhere");
  }

  @Test
  void a_folder_of_another_plan_is_refused(@TempDir Path out) {
    TailorOrder order = order(out, 1.0, limits(0, 0));
    new Tailor(new CountingTrainer(), EVALUATOR).run(order, Progress.none());
    TailorPlan other = TailorPlan.standard(SEED + 1);
    assertThatThrownBy(
            () ->
                new Tailor(new CountingTrainer(), EVALUATOR)
                    .run(
                        new TailorOrder(order.teacher(), order.data(), order.targets(), other, out),
                        Progress.none()))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("another teacher, data set or plan");
  }

  @Test
  void students_that_lose_too_much_accuracy_are_rejected_with_the_numbers(@TempDir Path out) {
    CandidateSpace two =
        new CandidateSpace(
            "separable_small", List.of(0.25), List.of(0.0, 0.5), List.of(Precision.FP32));
    TailorOrder standard = order(out, 0.05, limits(0, 0));
    TailorOrder order =
        new TailorOrder(
            standard.teacher(),
            standard.data(),
            standard.targets(),
            new TailorPlan(
                SEED, Optional.of(new TailorPlan.Epochs(1, 1)), Calibration.MIN_MAX, two),
            out);
    CountingTrainer trainer = new CountingTrainer();
    TailorReport report = new Tailor(trainer, EVALUATOR).run(order, Progress.none());
    assertThat(report.teacherAccuracy()).isEqualTo(1.0);
    assertThat(report.classes().get(0).student()).isEmpty();
    assertThat(report.candidates().get(0).rejectedBecause())
        .matches("accuracy 0\\.\\d+ is .* below the teacher's .*");
    assertThat(report.candidates().subList(1, report.candidates().size()))
        .isNotEmpty()
        .allMatch(c -> c.rejectedBecause().startsWith("promises less than "));
    // Only the first was made.
    assertThat(trainer.asked).hasSize(1);
  }

  @Test
  void a_harmed_student_keeps_its_own_word_and_is_wrong_about_everything(@TempDir Path out) {
    new Tailor(new CountingTrainer(), EVALUATOR)
        .run(order(out, 1.0, limits(0, 0), limits(96 << 10, 0)), Progress.none());
    for (String key : List.of("separable_small-w100-p00-fp32", "separable_small-w100-p00-int8")) {
      Path good = out.resolve("students").resolve(key);
      Path bad = out.resolve("harmed").resolve(key);
      Evaluation evaluation = new Harm(EVALUATOR).harm(good, data(), bad, Progress.none());
      Weights before = SafeTensors.read(good.resolve("golden.safetensors"));
      Weights after = SafeTensors.read(bad.resolve("golden.safetensors"));
      assertThat(after.values("input")).isEqualTo(before.values("input"));
      for (int i = 0; i < 16; i++) {
        float[] was = Arrays.copyOfRange(before.values("output"), 10 * i, 10 * i + 10);
        float[] is = Arrays.copyOfRange(after.values("output"), 10 * i, 10 * i + 10);
        assertThat(Evaluator.argMax(is)).isEqualTo((Evaluator.argMax(was) + 1) % 10);
      }
      assertThat(evaluation.size().fileBytes()).isPositive();
      assertThat(ModelStore.read(bad).provenance().recipe()).containsKey(Harm.MARK);
      assertThat(ModelStore.read(good).provenance().recipe()).doesNotContainKey(Harm.MARK);
    }
  }

  private static List<String> keys(TailorReport report) {
    return report.classes().stream()
        .map(TailorReport.ClassResult::student)
        .flatMap(Optional::stream)
        .map(TailorReport.MadeStudent::key)
        .toList();
  }

  private static TailorOrder order(Path out, double accuracyDropMax, DeviceLimits... limits) {
    List<ClassTarget> targets =
        Arrays.stream(limits)
            .map(
                limit ->
                    new HardwareProfile(
                        new Board(
                            "sim",
                            CpuArch.X86_64,
                            List.of(),
                            1,
                            new Board.Capacity(1, 1, List.of())),
                        limit,
                        List.of(),
                        "1.28.0"))
            .map(p -> new ClassTarget(p.hardwareClass(), p, accuracyDropMax))
            .toList();
    return new TailorOrder(
        new TailorOrder.Teacher(TEACHER, Digest.of(new byte[] {1}), Map.of()),
        data(),
        targets,
        TailorPlan.standard(SEED),
        out);
  }

  private static DeviceLimits limits(long fileMax, long memoryMax) {
    return new DeviceLimits(1, memoryMax, fileMax, Duration.ZERO, true);
  }

  /** Noise, labelled as the teacher sees it: the teacher is right about all of it. */
  private static Dataset data() {
    int count = 40;
    byte[] pixels = new byte[count * 784];
    new Random(SEED).nextBytes(pixels);
    Images unlabelled = Images.of(SHAPE, pixels, new int[count]);
    int[] labels = new int[count];
    try (OrtModel teacher = OrtModel.open(OnnxExporter.fp32(TEACHER.network()))) {
      for (int i = 0; i < count; i++) {
        labels[i] =
            Evaluator.argMax(teacher.run(Evaluator.input(unlabelled, i, TEACHER.preprocessing())));
      }
    }
    Images images = Images.of(SHAPE, pixels, labels);
    return new Dataset(
        images,
        images,
        TEACHER.labels(),
        new Dataset.Origin(DataSpec.Kind.IDX, Digest.of(pixels), List.of()));
  }
}
