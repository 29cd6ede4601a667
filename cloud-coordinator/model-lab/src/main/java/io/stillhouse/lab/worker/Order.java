package io.stillhouse.lab.worker;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.stillhouse.lab.CompressedModel;
import io.stillhouse.lab.HarmRequest;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.ModelLab;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.TailorRequest;
import io.stillhouse.lab.TrainRequest;
import io.stillhouse.lab.TrainedModel;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.tailor.ClassTarget;
import io.stillhouse.lab.tailor.TailorPlan;
import io.stillhouse.lab.teacher.PlanOverrides;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.model.profile.HardwareProfile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a coordinator ordered, of kind {@code train}, {@code tailor} or {@code harm}. Durations are
 * ISO-8601. Zero epochs mean the lab's own number.
 */
record Order(JsonNode json) {
  private static final int FINE_TUNE_EPOCHS = 3;
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .addModule(
              new SimpleModule("order").addDeserializer(Duration.class, new DurationReader()))
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /** Does it; returns what the coordinator is told. */
  Map<String, Object> perform(ModelLab lab, Progress progress) {
    String kind = text("kind");
    return switch (kind) {
      case "train" -> train(lab, progress);
      case "tailor" -> tailor(lab, progress);
      case "harm" -> harm(lab, progress);
      default ->
          throw unreadable(
              "kind: " + kind + " (expected: train, tailor or harm)", Optional.empty());
    };
  }

  private Map<String, Object> train(ModelLab lab, Progress progress) {
    PlanOverrides usual = PlanOverrides.none(json.path("seed").asLong());
    PlanOverrides plan =
        new PlanOverrides(epochs(), usual.descent(), usual.regularisation(), usual.seed());
    TrainedModel made =
        lab.train(
            new TrainRequest(data(), text("network"), json.path("width").asDouble(), plan, out()),
            progress);
    Map<String, Object> report = new LinkedHashMap<>(made.evaluation().toFields());
    report.put("epochs", made.plan().epochs());
    report.put("warnings", made.warnings());
    return result("report", report);
  }

  private Map<String, Object> tailor(ModelLab lab, Progress progress) {
    return result("tailor", lab.tailor(tailorRequest(), progress).toFields());
  }

  private TailorRequest tailorRequest() {
    try {
      List<ClassTarget> targets = new ArrayList<>();
      for (JsonNode target : json.path("targets")) {
        targets.add(
            new ClassTarget(
                new HardwareClass(target.path("hardwareClass").asText()),
                MAPPER.treeToValue(target.path("profile"), HardwareProfile.class),
                target.path("accuracyDropMax").asDouble()));
      }
      TailorPlan usual = TailorPlan.standard(json.path("seed").asLong());
      TailorPlan plan =
          new TailorPlan(
              usual.seed(),
              epochs().isPresent()
                  ? Optional.of(new TailorPlan.Epochs(epochs().getAsInt(), FINE_TUNE_EPOCHS))
                  : usual.epochs(),
              usual.calibration(),
              usual.space());
      return new TailorRequest(Path.of(text("teacher")), data(), targets, plan, out());
    } catch (IllegalArgumentException | JsonProcessingException e) {
      throw unreadable(String.valueOf(e.getMessage()), Optional.of(e));
    }
  }

  private Map<String, Object> harm(ModelLab lab, Progress progress) {
    List<Path> students = new ArrayList<>();
    json.path("students").forEach(student -> students.add(Path.of(student.asText())));
    List<Map<String, Object>> harmed = new ArrayList<>();
    for (CompressedModel model : lab.harm(new HarmRequest(students, data(), out()), progress)) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("directory", model.directory().toString());
      fields.put("accuracy", model.evaluation().accuracy());
      harmed.add(fields);
    }
    return result("students", harmed);
  }

  private Map<String, Object> result(String name, Object value) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("directory", out().toString());
    result.put(name, value);
    return result;
  }

  private OptionalInt epochs() {
    int epochs = json.path("epochs").asInt();
    return epochs == 0 ? OptionalInt.empty() : OptionalInt.of(epochs);
  }

  private DataSpec data() {
    return DataSpec.parse(text("data"));
  }

  private Path out() {
    return Path.of(text("out"));
  }

  private String text(String field) {
    String text = json.path(field).asText();
    if (text.isEmpty()) {
      throw unreadable("field " + field + " is missing", Optional.empty());
    }
    return text;
  }

  private static LabException unreadable(String why, Optional<Exception> cause) {
    LabException refused =
        new LabException("lab order", why, "Run coordinator and lab of the same version");
    cause.ifPresent(refused::initCause);
    return refused;
  }

  private static final class DurationReader extends JsonDeserializer<Duration> {
    @Override
    public Duration deserialize(JsonParser in, DeserializationContext context) throws IOException {
      return Duration.parse(in.getText());
    }
  }
}
