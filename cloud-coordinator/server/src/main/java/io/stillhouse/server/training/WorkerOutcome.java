package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Function;

/** How one attempt of a job ended, as its process told it or by how it died. */
public sealed interface WorkerOutcome {
  /** It finished; {@code result} is the worker's own JSON. */
  record Done(JsonNode result) implements WorkerOutcome {}

  /** The job itself is wrong: running it again would fail again. */
  record Refused(String message) implements WorkerOutcome {}

  /** It stopped because somebody asked. */
  record Stopped(StopReason reason) implements WorkerOutcome {}

  /** It died; {@code lastOutput} is what it wrote last, for people. */
  record Crashed(int exitCode, String lastOutput) implements WorkerOutcome {}

  /** Who asked a worker to stop. */
  enum StopReason {
    CANCELLED,
    TIME_LIMIT,
    COORDINATOR_STOPPING
  }

  /** One function per case, so that a new case stops every caller compiling. */
  default <R> R match(
      Function<Done, R> done,
      Function<Refused, R> refused,
      Function<Stopped, R> stopped,
      Function<Crashed, R> crashed) {
    if (this instanceof Done outcome) {
      return done.apply(outcome);
    }
    if (this instanceof Refused outcome) {
      return refused.apply(outcome);
    }
    if (this instanceof Stopped outcome) {
      return stopped.apply(outcome);
    }
    if (this instanceof Crashed outcome) {
      return crashed.apply(outcome);
    }
    throw new AssertionError("unreachable: " + this);
  }
}
