package io.stillhouse.agent.inference;

import java.util.function.Function;

/** What came of one inference. */
public sealed interface InferenceOutcome {
  /**
   * The model answered, with finite values.
   *
   * @param slot the slot whose model answered
   * @param label class of the highest score
   * @param confidence its soft-max probability
   * @param latencyNanos from the copy of the image to the end of the run, waiting for a free worker
   *     not included
   */
  record Answered(LoadedSlot slot, Logits logits, int label, double confidence, long latencyNanos)
      implements InferenceOutcome {}

  /** Too many inferences at once: nothing was run, the caller may try again. */
  record Busy() implements InferenceOutcome {}

  /** No model is live. */
  record NoModel() implements InferenceOutcome {}

  /** Another artifact is live than the one the image was made for: nothing was run or counted. */
  record Replaced() implements InferenceOutcome {}

  /** The caller's input does not fit the model; not counted as an error of the model. */
  record Rejected(String reason) implements InferenceOutcome {}

  /** The model failed: the runtime gave an error, ran out of time or gave non-finite values. */
  record Failed(LoadedSlot slot, String reason) implements InferenceOutcome {}

  /** Exhaustive by construction: a new case changes this signature. */
  default <R> R match(
      Function<Answered, R> answered,
      Function<Busy, R> busy,
      Function<NoModel, R> noModel,
      Function<Replaced, R> replaced,
      Function<Rejected, R> rejected,
      Function<Failed, R> failed) {
    if (this instanceof Answered a) {
      return answered.apply(a);
    }
    if (this instanceof Busy b) {
      return busy.apply(b);
    }
    if (this instanceof NoModel n) {
      return noModel.apply(n);
    }
    if (this instanceof Replaced r) {
      return replaced.apply(r);
    }
    if (this instanceof Rejected r) {
      return rejected.apply(r);
    }
    if (this instanceof Failed f) {
      return failed.apply(f);
    }
    throw new AssertionError("unreachable: " + this);
  }
}
