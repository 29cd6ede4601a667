package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.drive.CoordinatorClient;
import io.stillhouse.drive.Programs;
import io.stillhouse.drive.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the coordinator has on record of the fleet: telemetry, health, quarantine, devices. */
final class Findings {
  private final CoordinatorClient coordinator;
  private final Fleet fleet;
  private final Programs programs;
  private final Waiting waiting;
  private final Narrator narrator;

  Findings(
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

  /** Waits until everything that the agents sent has been counted, and prints the sums. */
  JsonNode telemetry() {
    JsonNode telemetry =
        waiting.until(
            "telemetry to settle",
            Duration.ofSeconds(30),
            "Look at " + fleet.console(),
            () -> {
              JsonNode now = coordinator.get("/telemetry");
              boolean settled =
                  now.path("sent").asLong() > 0
                      && now.path("sent").asLong()
                          == now.path("received").asLong() + now.path("lost").asLong();
              return settled ? Optional.of(now) : Optional.empty();
            });
    narrator.line(
        "telemetry: %d records sent, %d received, %d lost",
        telemetry.path("sent").asLong(),
        telemetry.path("received").asLong(),
        telemetry.path("lost").asLong());
    return telemetry;
  }

  /**
   * The devices with what they run, the latency of the last window of their class, and the resident
   * memory of their agents.
   */
  JsonNode devices(JsonNode health) {
    JsonNode devices = coordinator.get("/devices").path("devices");
    for (JsonNode device : devices) {
      ObjectNode row = (ObjectNode) device;
      String id = device.path("id").asText();
      row.put("runningDigest", device.path("reported").path("running").asText());
      row.put("residentBytes", programs.residentBytes(Fleet.program(id)));
      for (JsonNode measured : health) {
        if (measured.path("hardwareClass").equals(device.path("hardwareClass"))) {
          row.put("latencyP50Micros", measured.path("latencyP50Micros").asLong());
          row.put("latencyP99Micros", measured.path("latencyP99Micros").asLong());
        }
      }
    }
    return devices;
  }

  JsonNode fleetHealth() {
    JsonNode health = coordinator.get("/fleet-health").path("health");
    for (JsonNode row : health) {
      narrator.line(
          "%s wave %d %s: %d inferences, %d errors, p99 %d us, live accuracy %s",
          row.path("rollout").asText(),
          row.path("wave").asInt() + 1,
          row.path("hardwareClass").asText(),
          row.path("inferences").asLong(),
          row.path("errors").asLong(),
          row.path("latencyP99Micros").asLong(),
          row.path("feedbackCount").asLong() == 0
              ? "unknown"
              : String.format(
                  Locale.ROOT,
                  "%.1f %%",
                  100.0
                      * row.path("feedbackCorrect").asLong()
                      / row.path("feedbackCount").asLong()));
    }
    return health;
  }

  List<String> quarantine() {
    List<String> entries = new ArrayList<>();
    for (JsonNode entry : coordinator.get("/quarantine").path("quarantine")) {
      entries.add(entry.path("digest").asText() + " " + entry.path("hardwareClass").asText());
      narrator.line(
          "quarantined %s for %s: %s",
          entry.path("digest").asText().substring(0, 12),
          entry.path("hardwareClass").asText(),
          entry.path("reason").asText());
    }
    return entries;
  }
}
