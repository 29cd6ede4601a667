package io.stillhouse.server.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A lab that does what its order's {@code data} says, in a real child JVM: {@code done}, {@code
 * wait} for the end of its standard input, {@code die} or {@code refuse}. It leaves a checkpoint.
 */
final class RemoteLabMain {
  private RemoteLabMain() {}

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    JsonNode order = new JsonMapper().readTree(folder.resolve("job.json").toFile());
    boolean resumed = Files.exists(folder.resolve("checkpoint"));
    Files.writeString(folder.resolve("checkpoint"), "kept");
    System.out.println(
        "{\"event\":\"progress\",\"step\":\"epoch\",\"fraction\":0.25,\"message\":\"m\"}");
    System.err.println("some last words");
    switch (order.path("data").asText()) {
      case "done" -> done(order, resumed);
      case "wait" -> {
        if (resumed) {
          done(order, resumed);
          return;
        }
        while (System.in.read() >= 0) {
          // Nothing is said on it.
        }
        System.exit(3);
      }
      case "die" -> Runtime.getRuntime().halt(137);
      case "refuse" -> {
        System.out.println(
            "{\"event\":\"error\",\"what\":\"cannot train\",\"why\":\"one class\",\"fix\":\"add\"}");
        System.exit(1);
      }
      default -> throw new IllegalArgumentException(order.toString());
    }
  }

  private static void done(JsonNode order, boolean resumed) throws IOException {
    Path out = Path.of(order.path("out").asText());
    Files.createDirectories(out);
    Files.writeString(
        out.resolve("seen"),
        order.has("teacher")
            ? Files.readString(Path.of(order.path("teacher").asText(), "weights"))
            : "");
    System.out.println("{\"event\":\"done\",\"result\":{\"resumed\":" + resumed + "}}");
  }
}
