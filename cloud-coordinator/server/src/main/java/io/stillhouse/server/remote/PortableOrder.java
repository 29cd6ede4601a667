package io.stillhouse.server.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * An order of the lab whose folders are named relative to the job's own, so that it can be followed
 * on any machine. Data is not among them: a data set is read where the worker is.
 *
 * @param order with {@code teacher}, {@code students/NAME} and {@code out} in place of paths
 * @param inputs the folders that have to go along, by those names
 * @param out where the result belongs here
 */
record PortableOrder(ObjectNode order, Map<String, Path> inputs, Path out) {
  static final String OUT = "out";
  private static final String TEACHER = "teacher";
  private static final String STUDENTS = "students";

  PortableOrder {
    inputs = Map.copyOf(inputs);
  }

  /** From the order as it is written for this machine. */
  static PortableOrder of(JsonNode local) {
    ObjectNode order = local.deepCopy();
    Map<String, Path> inputs = new LinkedHashMap<>();
    if (order.has(TEACHER)) {
      inputs.put(TEACHER, Path.of(order.path(TEACHER).asText()));
      order.put(TEACHER, TEACHER);
    }
    if (order.has(STUDENTS)) {
      ArrayNode names = order.putArray(STUDENTS);
      for (JsonNode student : local.path(STUDENTS)) {
        Path folder = Path.of(student.asText());
        String name =
            STUDENTS + "/" + Objects.requireNonNull(folder.getFileName(), "student: no folder");
        inputs.put(name, folder);
        names.add(name);
      }
    }
    Path out = Path.of(order.path(OUT).asText());
    order.put(OUT, OUT);
    if (growing(order) && Files.isDirectory(out)) {
      inputs.put(OUT, out);
    }
    return new PortableOrder(order, inputs, out);
  }

  /** Whether the result is added to what earlier orders left, instead of being made anew. */
  static boolean growing(JsonNode order) {
    return order.path("kind").asText().equals("tailor");
  }

  /** The order for a machine on which the job's folder lies here. */
  static ObjectNode at(JsonNode portable, Path jobDirectory, int threads) {
    ObjectNode order = portable.deepCopy();
    order.put("threads", threads);
    if (order.has(TEACHER)) {
      order.put(TEACHER, jobDirectory.resolve(TEACHER).toString());
    }
    if (order.has(STUDENTS)) {
      ArrayNode students = order.putArray(STUDENTS);
      portable
          .path(STUDENTS)
          .forEach(
              name -> students.add(PackedFolders.inside(jobDirectory, name.asText()).toString()));
    }
    order.put(OUT, jobDirectory.resolve(OUT).toString());
    return order;
  }
}
