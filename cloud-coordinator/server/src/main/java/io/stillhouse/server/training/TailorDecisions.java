package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.service.ModelService.RejectionView;
import io.stillhouse.server.service.ModelService.TailoringView;
import io.stillhouse.server.storage.StoredJson;
import io.stillhouse.server.storage.Texts;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the lab decided about its candidates for one hardware class, as it is kept with the model
 * version. Bounded, so that it fits its column whatever the lab says: beyond {@link #REJECTED_MAX}
 * rejections only their number is kept, and longer texts are cut.
 *
 * @param leftOut how many more were rejected than are kept
 */
record TailorDecisions(Optional<String> student, List<RejectionView> rejected, int leftOut) {
  static final int REJECTED_MAX = 64;
  private static final int NAME_CHARS_MAX = 128;
  private static final int REASON_CHARS_MAX = 300;

  TailorDecisions {
    rejected = List.copyOf(rejected);
  }

  /** The decisions in a lab's report as JSON, for those classes that were asked for. */
  static Map<String, String> byClass(JsonNode report, Set<String> asked) {
    Map<String, String> decisions = new LinkedHashMap<>();
    for (JsonNode made : report.path("classes")) {
      String hardwareClass = made.path("hardwareClass").asText();
      if (asked.contains(hardwareClass)) {
        decisions.put(hardwareClass, StoredJson.write(of(report, made)));
      }
    }
    return decisions;
  }

  private static TailorDecisions of(JsonNode report, JsonNode made) {
    List<RejectionView> rejected = new ArrayList<>();
    int leftOut = 0;
    for (JsonNode candidate : report.path("candidates")) {
      if (!candidate.path("hardwareClass").equals(made.path("hardwareClass"))
          || candidate.path("accepted").asBoolean()) {
        continue;
      }
      if (rejected.size() < REJECTED_MAX) {
        rejected.add(rejection(candidate));
      } else {
        leftOut++;
      }
    }
    Optional<String> student =
        Optional.of(Texts.clip(made.path("student").asText(), NAME_CHARS_MAX))
            .filter(key -> !key.isEmpty());
    return new TailorDecisions(student, rejected, leftOut);
  }

  private static RejectionView rejection(JsonNode candidate) {
    return new RejectionView(
        Texts.clip(candidate.path("key").asText(), NAME_CHARS_MAX),
        candidate.path("fileBytes").asLong(),
        candidate.path("predictedMemoryBytes").asLong(),
        candidate.path("predictedLatencyMicros").asLong(),
        Texts.clip(candidate.path("rejectedBecause").asText(), REASON_CHARS_MAX));
  }

  TailoringView view(String hardwareClass, Instant at) {
    return new TailoringView(hardwareClass, at.toString(), student, rejected, leftOut);
  }
}
