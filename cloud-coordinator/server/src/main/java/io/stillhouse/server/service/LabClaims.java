package io.stillhouse.server.service;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a lab worker on another machine asks of its coordinator. Methods block and throw {@link
 * io.stillhouse.server.failure.CoordinatorException}, with {@code NOT_FOUND} once a claim is no
 * longer the caller's; implementations are thread-safe.
 */
public interface LabClaims {
  /** Takes the job that waits, if one does. A worker that asks again has its claim again. */
  ClaimAnswer claim(ClaimRequest request);

  /** Says how far the work is, and that the worker lives. */
  Heard progress(String claim, ProgressRequest progress);

  /** The folders that the order needs, packed into a new file that the caller deletes. */
  Path inputs(String claim);

  /** A new file to receive a result into; the caller deletes it. */
  Path receiving(String claim);

  /** Takes the folder that the order made, and what is said about it; see {@link #end}. */
  void deliver(String claim, Path packed);

  /** Ends the claim. What was made must have been delivered before it is said to be done. */
  Heard end(String claim, EndRequest ending);

  /**
   * Who asks.
   *
   * @param worker name for people and for this start of it, letters, digits, dot, dash, underscore
   */
  record ClaimRequest(String worker) {}

  /** A job, if one waits. */
  record ClaimAnswer(Optional<Claim> claim) {}

  /**
   * A job that is the caller's while it is heard of.
   *
   * @param order as a lab reads it, with folders relative to the job's own
   */
  record Claim(String id, String job, JsonNode order) {}

  /** How far; an empty step says only that the worker lives. */
  record ProgressRequest(double fraction, String step, String message) {}

  /** The claim is, or was until now, the caller's. */
  record Heard(String claim) {}

  /**
   * How it ended.
   *
   * @param message why, for what was not done
   */
  record EndRequest(Ending ending, String message) {}

  /** The ways in which a claim ends. */
  enum Ending {
    /** The result was delivered. */
    DONE,
    /** The order cannot be done, and another attempt would end the same. */
    REFUSED,
    /** The process died. */
    CRASHED,
    /** The worker leaves in good order; another one may go on. */
    STOPPED
  }
}
