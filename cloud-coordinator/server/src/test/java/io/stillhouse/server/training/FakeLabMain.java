package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stillhouse.server.testing.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A lab that understands orders and answers as the real one does, without learning anything. */
final class FakeLabMain {
  private FakeLabMain() {}

  public static void main(String[] args) throws IOException {
    JsonNode order = new JsonMapper().readTree(Path.of(args[0], "job.json").toFile());
    Path out = Path.of(order.path("out").asText());
    String result =
        switch (order.path("kind").asText()) {
          case "train" -> {
            ModelDirectory.write(out, 10, order.path("seed").asLong());
            yield "\"report\":{\"accuracy\":0.91}";
          }
          case "tailor" ->
              "\"tailor\":{\"classes\":[%s],\"candidates\":[%s]}"
                  .formatted(tailor(order, out), candidates(order));
          case "harm" -> {
            for (JsonNode student : order.path("students")) {
              ModelDirectory.write(out.resolve(Path.of(student.asText()).getFileName()), 3_000, 99);
            }
            yield "\"students\":[]";
          }
          default -> throw new IllegalArgumentException(order.toString());
        };
    System.out.println(
        "{\"event\":\"done\",\"result\":{\"directory\":\"" + out + "\"," + result + "}}");
  }

  /** One candidate is accepted for each class, and 70 are not. */
  private static String candidates(JsonNode order) {
    List<String> candidates = new ArrayList<>();
    for (JsonNode target : order.path("targets")) {
      for (int i = 0; i <= 70; i++) {
        candidates.add(
            """
            {"hardwareClass":"%s","key":"c%d","fileBytes":%d,"predictedMemoryBytes":7,\
            "predictedLatencyMicros":9,"accepted":%s,"rejectedBecause":"%s"}\
            """
                .formatted(
                    target.path("hardwareClass").asText(),
                    i,
                    i,
                    i == 0,
                    i == 0
                        ? ""
                        : "file " + i + " bytes" + " and so on".repeat(i == 2 ? 1_000 : 0)));
      }
    }
    return String.join(",", candidates);
  }

  /** Every class gets a student but one that allows no drop at all. */
  private static String tailor(JsonNode order, Path out) throws IOException {
    List<String> classes = new ArrayList<>();
    for (JsonNode target : order.path("targets")) {
      String name = target.path("hardwareClass").asText();
      long threads = target.path("profile").path("limits").path("inferenceThreads").asLong();
      if (threads > 8) {
        classes.add("{\"hardwareClass\":\"" + name + "\",\"why\":\"no candidate fits\"}");
        continue;
      }
      ModelDirectory.write(out.resolve("students").resolve("k" + threads), 2_000, threads);
      classes.add("{\"hardwareClass\":\"" + name + "\",\"student\":\"k" + threads + "\"}");
    }
    return String.join(",", classes);
  }
}
