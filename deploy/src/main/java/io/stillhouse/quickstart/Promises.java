package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What the quickstart promises of its story, as bounds on the document that {@code --json} has. */
final class Promises {
  /** Share of the test images that the teacher tells right, at least. */
  static final double TEACHER_ACCURACY_MIN = 0.89;

  /** How far a student may fall below its teacher, in the lab and on its device. */
  static final double STUDENT_DROP_MAX = 0.03;

  /** Time of the story, without the build. */
  static final double STORY_SECONDS_MAX = 360;

  /** Resident memory of all processes together. */
  static final long RESIDENT_BYTES_MAX = 4L << 30;

  static final long TELEMETRY_LOST_MAX = 0;

  /** How the rollouts end, in their order: the sound version, and the harmed one. */
  static final List<String> ROLLOUT_ENDS = List.of("SUCCEEDED", "ROLLED_BACK");

  /** Far below one image of the test set, far above what a difference of doubles is off by. */
  private static final double ROUNDING = 1e-9;

  private Promises() {}

  /**
   * What was promised and not shown, a line each; empty when all is as promised.
   *
   * @param boards unlike ones, each of which gets a student of its own
   */
  static List<String> broken(JsonNode story, int boards) {
    List<String> broken = new ArrayList<>();
    checkTeacher(story, broken);
    checkStudents(story, boards, broken);
    checkRollouts(story, broken);
    checkDevices(story, boards, broken);
    checkBounds(story, broken);
    return broken;
  }

  private static void checkTeacher(JsonNode story, List<String> broken) {
    double teacher = accuracy(story.path("teacher"));
    // Written so that an unknown accuracy breaks the promise, too.
    if (!(teacher >= TEACHER_ACCURACY_MIN - ROUNDING)) {
      broken.add(
          "the teacher's accuracy: %s (promised: at least %s)"
              .formatted(percent(teacher), percent(TEACHER_ACCURACY_MIN)));
    }
  }

  private static void checkStudents(JsonNode story, int boards, List<String> broken) {
    Set<String> unlike = new HashSet<>();
    for (JsonNode variant : story.path("variants")) {
      unlike.add(variant.path("precision").asText() + " " + variant.path("fileBytes").asLong());
      checkDrop(story, variant, variant.path("hardwareClass").asText(), broken);
    }
    if (unlike.size() < boards) {
      broken.add(
          "students that differ in size or precision: %d (promised: %d, one for each board)"
              .formatted(unlike.size(), boards));
    }
  }

  private static void checkDrop(
      JsonNode story, JsonNode measured, String where, List<String> broken) {
    double drop = accuracy(story.path("teacher")) - accuracy(measured);
    if (!(drop <= STUDENT_DROP_MAX + ROUNDING)) {
      broken.add(
          "the student of %s: accuracy %s (promised: within %s of the teacher's %s)"
              .formatted(
                  where,
                  percent(accuracy(measured)),
                  percent(STUDENT_DROP_MAX),
                  percent(accuracy(story.path("teacher")))));
    }
  }

  private static void checkRollouts(JsonNode story, List<String> broken) {
    JsonNode rollouts = story.path("rollouts");
    if (rollouts.size() != ROLLOUT_ENDS.size()) {
      broken.add("rollouts: %d (promised: %d)".formatted(rollouts.size(), ROLLOUT_ENDS.size()));
      return;
    }
    for (int i = 0; i < rollouts.size(); i++) {
      JsonNode rollout = rollouts.path(i);
      if (!rollout.path("state").asText().equals(ROLLOUT_ENDS.get(i))) {
        broken.add(
            "rollout %s ended %s (promised: %s): %s"
                .formatted(
                    rollout.path("id").asText(),
                    rollout.path("state").asText(),
                    ROLLOUT_ENDS.get(i),
                    rollout.path("reason").asText()));
      }
    }
    // The harm is in the answers; stopped by anything else, it was stopped by luck.
    String reason = rollouts.path(1).path("reason").asText();
    if (!reason.contains("accuracy")) {
      broken.add("the harmed rollout ended for another reason than its accuracy: " + reason);
    }
  }

  private static void checkDevices(JsonNode story, int boards, List<String> broken) {
    Set<String> students = new HashSet<>();
    story.path("variants").forEach(variant -> students.add(variant.path("digest").asText()));
    if (story.path("devices").size() != boards) {
      broken.add("devices: %d (promised: %d)".formatted(story.path("devices").size(), boards));
    }
    for (JsonNode device : story.path("devices")) {
      String id = device.path("id").asText();
      if (!students.contains(device.path("runningDigest").asText())) {
        broken.add(id + " does not run a student of version 1 at the end (promised: it does)");
      }
      checkDrop(story, device, id, broken);
    }
  }

  private static void checkBounds(JsonNode story, List<String> broken) {
    JsonNode lost = story.path("telemetry").path("lost");
    if (!lost.isIntegralNumber() || lost.asLong() > TELEMETRY_LOST_MAX) {
      broken.add(
          "telemetry lost: %s (promised: %d)"
              .formatted(lost.isNumber() ? lost.asText() : "unknown", TELEMETRY_LOST_MAX));
    }
    double seconds = story.path("durationSeconds").asDouble(Double.NaN);
    if (!(seconds <= STORY_SECONDS_MAX)) {
      broken.add(
          String.format(
              Locale.ROOT,
              "the story took %.1f s (promised: at most %.0f)",
              seconds,
              STORY_SECONDS_MAX));
    }
    // 0 where the system does not say, as anywhere but on Linux.
    long resident = story.path("peakResidentBytes").asLong();
    if (resident > RESIDENT_BYTES_MAX) {
      broken.add(
          "resident memory over all processes: %s (promised: at most %s)"
              .formatted(Story.bytes(resident), Story.bytes(RESIDENT_BYTES_MAX)));
    }
  }

  private static double accuracy(JsonNode measured) {
    return measured.path("accuracy").asDouble(Double.NaN);
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "unknown" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }
}
