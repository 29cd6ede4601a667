package io.stillhouse.server.training;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A worker that does what its {@code job.json} says: a real child JVM, so that kills, pipes and
 * exit codes are real. Counts its starts in {@code starts}.
 */
final class FakeWorkerMain {
  private FakeWorkerMain() {}

  @SuppressWarnings("SystemExitOutsideMain")
  public static void main(String[] args) throws IOException, InterruptedException {
    Path directory = Path.of(args[0]);
    Path starts = directory.resolveSibling("starts");
    Files.writeString(
        starts,
        (Files.exists(starts) ? Files.readString(starts, StandardCharsets.UTF_8) : "") + "x");
    int attempt = (int) Files.size(starts);
    String order = Files.readString(directory.resolve("job.json"), StandardCharsets.UTF_8);
    System.out.println(
        "{\"event\":\"progress\",\"step\":\"epoch\",\"fraction\":0.25,\"message\":\"m\"}");
    System.out.println("not json at all");
    System.err.println("attempt " + attempt + " says goodbye");
    switch (order) {
      case "done" -> done(directory);
      case "die-once" -> {
        if (attempt == 1) {
          Files.writeString(directory.resolve("checkpoint"), "kept");
          Runtime.getRuntime().halt(137);
        }
        System.out.println(
            "{\"event\":\"done\",\"result\":{\"resumed\":"
                + Files.exists(directory.resolve("checkpoint"))
                + "}}");
      }
      case "die" -> Runtime.getRuntime().halt(137);
      case "refuse" -> {
        System.out.println(
            "{\"event\":\"error\",\"what\":\"cannot train\",\"why\":\"one class\",\"fix\":\"add\"}");
        System.exit(1);
      }
      case "wait" -> {
        // As the real worker: end when the parent does, or asks.
        while (System.in.read() >= 0) {}
        System.exit(3);
      }
      default -> throw new IllegalArgumentException(order);
    }
  }

  private static void done(Path directory) {
    System.out.println("{\"event\":\"done\",\"result\":{\"at\":\"" + directory + "\"}}");
  }
}
