package io.stillhouse.agent.reconcile;

/**
 * How far the attempt has come.
 *
 * @param attempt from 1; rises when the phases start over, so that within one attempt they only
 *     move forward and a late message about an earlier one is recognised
 * @param failures passing failures of this generation
 * @param abnormalExits starts of the agent that found an unfinished trial of this generation
 */
public record Progress(Phase phase, int attempt, int failures, int abnormalExits) {
  static Progress first(Phase phase) {
    return new Progress(phase, 1, 0, 0);
  }

  Progress at(Phase next) {
    return new Progress(next, attempt, failures, abnormalExits);
  }

  /** Starts over at a phase. */
  Progress again(Phase next) {
    return new Progress(next, attempt + 1, failures, abnormalExits);
  }

  Progress failedOnce() {
    return new Progress(Phase.FAILED_RETRYABLE, attempt + 1, failures + 1, abnormalExits);
  }

  Progress exitedOnce() {
    return new Progress(phase, attempt, failures, abnormalExits + 1);
  }
}
