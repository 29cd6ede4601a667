package io.stillhouse.agent.health;

import java.util.function.Function;
import java.util.function.Supplier;

/** What probation has come to so far. Too little evidence is never a pass. */
public sealed interface Verdict {
  /** The model may be committed. */
  record Pass() implements Verdict {}

  /** Not enough has been seen, or not for long enough. */
  record Wait() implements Verdict {}

  /** The model does harm. */
  record Fail(String reason) implements Verdict {}

  /** Exhaustive by construction: a new case changes this signature. */
  default <R> R match(Supplier<R> pass, Supplier<R> wait, Function<Fail, R> fail) {
    if (this instanceof Pass) {
      return pass.get();
    }
    if (this instanceof Wait) {
      return wait.get();
    }
    if (this instanceof Fail f) {
      return fail.apply(f);
    }
    throw new AssertionError("unreachable: " + this);
  }
}
