package io.stillhouse.lab.teacher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.network.PartialFolder;
import io.stillhouse.lab.network.SafeTensors;
import io.stillhouse.lab.network.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A training that can be continued: weights and momentum before a step. Each is a folder {@code
 * step-N} that appears whole; older ones are removed once a newer one stands.
 *
 * @param task digest of what is learnt; a checkpoint of another task is not used
 * @param step the next one to take, counted over the whole training
 */
record Checkpoint(String task, long step, Weights weights, Weights momentum) {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);
  private static final String PREFIX = "step-";
  private static final String STATE = "state.json";

  /**
   * Saves. Training goes on where that fails, with a warning: a full disk costs the way back, not
   * the work.
   */
  void save(Path folder) {
    Path target = folder.resolve(PREFIX + step);
    try {
      Files.createDirectories(folder);
      List<Path> older = steps(folder);
      if (older.contains(target)) {
        return;
      }
      try (PartialFolder partial = PartialFolder.open(target)) {
        ObjectNode state = new ObjectMapper().createObjectNode();
        state.put("task", task);
        state.put("step", step);
        Files.writeString(partial.path().resolve(STATE), state + "\n");
        SafeTensors.write(partial.path().resolve("weights.safetensors"), weights);
        SafeTensors.write(partial.path().resolve("momentum.safetensors"), momentum);
        partial.commit();
      }
      for (Path path : older) {
        remove(path);
      }
    } catch (IOException | LabException e) {
      LOG.warn("no checkpoint was written to {}: {}", target, e.getMessage());
    }
  }

  /** The latest usable checkpoint of a task. */
  static Optional<Checkpoint> latest(Path folder, String task) {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    try {
      for (Path path : steps(folder)) {
        try {
          JsonNode state = new ObjectMapper().readTree(Files.readAllBytes(path.resolve(STATE)));
          if (state.path("task").asText().equals(task)) {
            return Optional.of(
                new Checkpoint(
                    task,
                    state.path("step").asLong(),
                    SafeTensors.read(path.resolve("weights.safetensors")),
                    SafeTensors.read(path.resolve("momentum.safetensors"))));
          }
        } catch (IOException | LabException e) {
          LOG.warn("checkpoint {} is not used: {}", path, e.getMessage());
        }
      }
    } catch (IOException e) {
      LOG.warn("checkpoints in {} are not used: {}", folder, e.getMessage());
    }
    return Optional.empty();
  }

  /** Complete checkpoints, latest first. */
  private static List<Path> steps(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(path -> String.valueOf(path.getFileName()).matches(PREFIX + "\\d{1,18}"))
          .sorted(Comparator.comparingLong(Checkpoint::stepOf).reversed())
          .toList();
    }
  }

  private static long stepOf(Path path) {
    return Long.parseLong(String.valueOf(path.getFileName()).substring(PREFIX.length()));
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
