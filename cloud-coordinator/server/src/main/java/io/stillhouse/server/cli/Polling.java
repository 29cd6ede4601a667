package io.stillhouse.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.TimeUnit;

/** Follows what takes long by looking at it again and again. */
final class Polling {
  private final Surroundings around;

  Polling(Surroundings around) {
    this.around = around;
  }

  /** Follows a job to its end; anything but success is an error with the job's own words. */
  void job(CoordinatorClient client, String id) {
    ProgressLine progress = new ProgressLine(around, () -> false);
    try {
      while (!succeeded(client.get("/jobs/" + CoordinatorClient.part(id)), id, progress)) {
        pause();
      }
    } finally {
      progress.end();
    }
  }

  private static boolean succeeded(JsonNode job, String id, ProgressLine progress) {
    String step = job.path("step").asText();
    progress.report(
        step.isEmpty() ? job.path("kind").asText() : step,
        job.path("progress").asDouble(),
        job.path("message").asText());
    return switch (job.path("state").asText()) {
      case "SUCCEEDED" -> true;
      case "FAILED" ->
          throw new CliException(
              "job " + id + " failed",
              job.path("error").asText("no reason was given"),
              "correct it and try again");
      case "CANCELLED" ->
          throw new CliException("job " + id + " ended", "it was cancelled", "start it again");
      default -> false;
    };
  }

  /** Waits until the next look. */
  void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(around.pause().toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("stopped watching", "interrupted", "the work itself goes on");
    }
  }
}
