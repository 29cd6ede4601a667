package io.stillhouse.fleet.rollout;

import java.util.function.Function;

/** Whether the next wave may begin. Unknown is not healthy: there are three answers, not two. */
public sealed interface Verdict {
  /** Enough was measured and all of it is within the limits. */
  record Pass() implements Verdict {}

  /** Not enough evidence, or evidence that is neither good nor clearly bad. */
  record Inconclusive(String missing) implements Verdict {}

  /** Harm, beyond reasonable doubt. */
  record Fail(String reason) implements Verdict {}

  /** One function per case; a new case makes every caller stop compiling. */
  default <R> R match(
      Function<Pass, R> pass, Function<Inconclusive, R> inconclusive, Function<Fail, R> fail) {
    if (this instanceof Pass v) {
      return pass.apply(v);
    }
    if (this instanceof Inconclusive v) {
      return inconclusive.apply(v);
    }
    if (this instanceof Fail v) {
      return fail.apply(v);
    }
    throw new AssertionError("unreachable: " + this);
  }

  /** The reason; empty for {@link Pass}. */
  default String reason() {
    return match(p -> "", Inconclusive::missing, Fail::reason);
  }
}
