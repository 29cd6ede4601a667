package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.drive.AgentClient;
import io.stillhouse.drive.CoordinatorClient;
import io.stillhouse.drive.DriveException;
import io.stillhouse.drive.ImageFeed;
import io.stillhouse.drive.Programs;
import io.stillhouse.drive.TestImages;
import io.stillhouse.drive.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What happens in the story: start, teach, tailor, roll out, measure, do harm. Each chapter drives
 * public interfaces and prints what they answer.
 */
final class Story {
  private static final String DATA = "builtin:fashion-mnist-12k";
  private static final int MEASURE_BATCH = 25;

  /** Rejected candidates that are told of each class. */
  private static final int REJECTED_TOLD_MAX = 3;

  private static final Duration JOB_MAX = Duration.ofMinutes(12);
  private static final Duration ROLLOUT_MAX = Duration.ofMinutes(4);

  private final CoordinatorClient coordinator;
  private final Fleet fleet;
  private final Programs programs;
  private final Waiting waiting;
  private final Narrator narrator;

  Story(
      CoordinatorClient coordinator,
      Fleet fleet,
      Programs programs,
      Waiting waiting,
      Narrator narrator) {
    this.coordinator = coordinator;
    this.fleet = fleet;
    this.programs = programs;
    this.waiting = waiting;
    this.narrator = narrator;
  }

  /** Waits until every agent has reported its measured profile, and prints the profiles. */
  void meetTheFleet(int devices) {
    waiting.until(
        "enrolment of " + devices + " agents",
        Duration.ofSeconds(60),
        "See the agents' logs",
        () -> {
          programs.requireAlive();
          int online = 0;
          for (JsonNode device : coordinator.get("/devices").path("devices")) {
            online += "ONLINE".equals(device.path("liveness").asText()) ? 1 : 0;
          }
          return online >= devices ? Optional.of(online) : Optional.empty();
        });
    for (JsonNode device : coordinator.get("/devices").path("devices")) {
      narrator.line(
          "%-12s class %s", device.path("id").asText(), device.path("hardwareClass").asText());
    }
  }

  /** Trains the teacher; returns {network, accuracy, params, fileBytes}. */
  JsonNode teach() {
    JsonNode started =
        coordinator.post(
            "/models",
            Map.of(
                "name",
                Fleet.modelName(),
                "data",
                DATA,
                "network",
                "resnet8",
                "epochs",
                12,
                "seed",
                7));
    awaitJob(started.path("jobId").asText());
    JsonNode teacher =
        coordinator.get("/models/" + Fleet.modelName()).path("versions").path(0).path("report");
    narrator.line(
        "teacher %s: accuracy %.2f %% on the 2,000 test images, %,d parameters, %s",
        teacher.path("network").asText(),
        100 * teacher.path("accuracy").asDouble(),
        teacher.path("params").asLong(),
        bytes(teacher.path("fileBytes").asLong()));
    return teacher;
  }

  /** Tailors one student per hardware class; returns the variants. */
  JsonNode tailor() {
    JsonNode started =
        coordinator.post(
            "/models/" + Fleet.modelName() + "/versions/1/tailor", Map.of("accuracyDropMax", 0.03));
    awaitJob(started.path("jobId").asText());
    JsonNode variants = variants(1);
    for (JsonNode variant : variants) {
      narrator.line(
          "%s  %s %s: accuracy %.2f %%, %s, p50 %d us here",
          variant.path("hardwareClass").asText(),
          variant.path("network").asText(),
          variant.path("precision").asText(),
          100 * variant.path("accuracy").asDouble(),
          bytes(variant.path("fileBytes").asLong()),
          variant.path("latencyP50Micros").asLong());
    }
    tellRejections();
    return variants;
  }

  /** What was rejected for each class: how much it promised, and which budget it breaks. */
  private void tellRejections() {
    for (JsonNode decided : versionVariants(1).path("tailoring")) {
      JsonNode rejected = decided.path("rejected");
      narrator.line("rejected for %s:", decided.path("hardwareClass").asText());
      for (int i = 0; i < Math.min(REJECTED_TOLD_MAX, rejected.size()); i++) {
        JsonNode candidate = rejected.path(i);
        narrator.line(
            "    %s, %s, p99 %d us there: %s",
            candidate.path("student").asText(),
            bytes(candidate.path("fileBytes").asLong()),
            candidate.path("latencyP99Micros").asLong(),
            candidate.path("reason").asText());
      }
      int more = rejected.size() - REJECTED_TOLD_MAX + decided.path("leftOut").asInt();
      if (more > 0) {
        narrator.line("    and %d more", more);
      }
    }
  }

  /** The variants of a version, each with the lab's measurements beside its other fields. */
  JsonNode variants(int version) {
    JsonNode variants = versionVariants(version).path("variants");
    for (JsonNode variant : variants) {
      for (String measured : List.of("accuracy", "latencyP50Micros")) {
        if (variant.path("evaluation").has(measured)) {
          ((ObjectNode) variant).set(measured, variant.path("evaluation").path(measured));
        }
      }
    }
    return variants;
  }

  private JsonNode versionVariants(int version) {
    return coordinator.get("/models/" + Fleet.modelName() + "/versions/" + version + "/variants");
  }

  /** Starts a rollout and tells its waves until it ends; returns its last state. */
  JsonNode rollOut(int version, ImageFeed feed) {
    Map<String, Object> plan = new LinkedHashMap<>();
    plan.put("model", Fleet.modelName());
    plan.put("version", version);
    plan.put("waves", List.of(34, 100));
    plan.put("soakSeconds", 6);
    plan.put("probationSeconds", 3);
    plan.put("gate", Map.of("accuracyDropMax", 0.05, "minFeedback", 60, "feedbackDemanded", true));
    String id = coordinator.post("/rollouts", plan).path("id").asText();
    String[] last = {""};
    return waiting.until(
        "end of rollout " + id,
        ROLLOUT_MAX,
        "Look at " + fleet.console() + " and the logs",
        () -> {
          programs.requireAlive();
          feed.requireAccepted();
          JsonNode rollout = stated(coordinator.get("/rollouts/" + id));
          String told =
              rollout.path("state").asText()
                  + ", wave "
                  + (rollout.path("waveIndex").asInt() + 1)
                  + " of "
                  + rollout.path("waves").size()
                  + " "
                  + rollout.path("waveStage").asText()
                  + suffix(rollout.path("waitingFor").asText());
          if (!told.equals(last[0])) {
            narrator.line("%s", told);
            last[0] = told;
          }
          return CoordinatorClient.ROLLOUT_ENDS.contains(rollout.path("state").asText())
              ? Optional.of(rollout)
              : Optional.empty();
        });
  }

  /** The rollout with its status as {@code state} and its reasons as one {@code reason}. */
  private static JsonNode stated(JsonNode rollout) {
    List<String> reasons = new ArrayList<>();
    rollout.path("reasons").forEach(reason -> reasons.add(reason.asText()));
    return ((ObjectNode) rollout)
        .put("state", rollout.path("status").asText())
        .put("reason", String.join("; ", reasons));
  }

  /** Asks the lab for a version whose students answer wrongly although their files are sound. */
  int makeHarm() {
    JsonNode harmed =
        coordinator.post("/models/" + Fleet.modelName() + "/versions/1/rehearse-harm", Map.of());
    awaitJob(harmed.path("jobId").asText());
    int version = harmed.path("version").asInt();
    for (JsonNode variant : variants(version)) {
      narrator.line(
          "%s  harmed %s: accuracy %.2f %%",
          variant.path("hardwareClass").asText(),
          variant.path("network").asText(),
          100 * variant.path("accuracy").asDouble());
    }
    return version;
  }

  /** Accuracy of each device over all test images, measured through its own inference API. */
  Map<String, Double> measure(TestImages images) {
    Map<String, Double> accuracy = new LinkedHashMap<>();
    fleet
        .agents()
        .forEach(
            (device, agent) -> {
              int seen = 0;
              int correct = 0;
              for (int from = 0; from + MEASURE_BATCH <= images.count(); from += MEASURE_BATCH) {
                int at = from;
                AgentClient.Answer answer =
                    waiting.until(
                        "inference on " + device,
                        Duration.ofSeconds(20),
                        "See the agent's log",
                        () -> agent.classify(images, at, MEASURE_BATCH));
                seen += answer.images();
                correct += answer.correct();
              }
              accuracy.put(device, seen == 0 ? Double.NaN : (double) correct / seen);
            });
    return accuracy;
  }

  private void awaitJob(String id) {
    waiting.until(
        "job " + id,
        JOB_MAX,
        "See the coordinator's log",
        () -> {
          programs.requireAlive();
          JsonNode job = coordinator.get("/jobs/" + id);
          narrator.progress(
              job.path("progress").asDouble(),
              job.path("step").asText() + suffix(job.path("message").asText()));
          return switch (job.path("state").asText()) {
            case "SUCCEEDED" -> Optional.of(job);
            case "FAILED", "CANCELLED" ->
                throw new DriveException(
                    "job " + id + " " + job.path("kind").asText(),
                    job.path("error").asText(),
                    "See the coordinator's log");
            default -> Optional.empty();
          };
        });
  }

  private static String suffix(String text) {
    return text.isEmpty() ? "" : ": " + text;
  }

  static String bytes(long count) {
    return count >= 10 << 20
        ? String.format(Locale.ROOT, "%.1f MiB", count / 1048576.0)
        : String.format(Locale.ROOT, "%.1f KiB", count / 1024.0);
  }
}
