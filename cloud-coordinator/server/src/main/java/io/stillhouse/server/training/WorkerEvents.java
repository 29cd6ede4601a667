package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stillhouse.server.storage.JobTable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What a worker says on its standard output: one JSON object a line. Only the latest progress is
 * kept, since nobody reads an older one. A line that is not one of ours goes to the tail.
 * Thread-safe.
 */
final class WorkerEvents {
  /** A tailoring result lists every candidate of every class. */
  private static final int LINE_BYTES_MAX = 4 << 20;

  private static final JsonMapper MAPPER = new JsonMapper();

  private final OutputTail tail;
  private Optional<JobTable.Progress> progress = Optional.empty();
  private Optional<JsonNode> result = Optional.empty();
  private Optional<String> error = Optional.empty();

  WorkerEvents(OutputTail tail) {
    this.tail = tail;
  }

  /** Reads to the end of the stream. */
  void drain(InputStream in) throws IOException {
    BoundedLines lines = new BoundedLines(in, LINE_BYTES_MAX);
    for (byte[] line = lines.next(); line != null; line = lines.next()) {
      accept(line);
    }
  }

  private void accept(byte[] line) {
    JsonNode event;
    try {
      event = MAPPER.readTree(line);
    } catch (IOException e) {
      event = MAPPER.missingNode();
    }
    synchronized (this) {
      switch (event.path("event").asText()) {
        case "progress" ->
            progress =
                Optional.of(
                    new JobTable.Progress(
                        event.path("fraction").asDouble(),
                        event.path("step").asText(),
                        event.path("message").asText()));
        case "done" -> result = Optional.of(event.path("result"));
        case "error" ->
            error =
                Optional.of(
                    "%s: %s; %s"
                        .formatted(
                            event.path("what").asText(),
                            event.path("why").asText(),
                            event.path("fix").asText()));
        default -> tail.add(new String(line, StandardCharsets.UTF_8));
      }
    }
  }

  /** The latest progress since the last call. */
  synchronized Optional<JobTable.Progress> takeProgress() {
    Optional<JobTable.Progress> taken = progress;
    progress = Optional.empty();
    return taken;
  }

  synchronized Optional<JsonNode> result() {
    return result;
  }

  synchronized Optional<String> error() {
    return error;
  }
}
