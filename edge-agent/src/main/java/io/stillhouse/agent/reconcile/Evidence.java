package io.stillhouse.agent.reconcile;

import java.util.Optional;

/** What the newest generation's phase rests on: a refusal, a self-test's figures. */
public record Evidence(Optional<Refusal> refusal, Optional<TestFigures> selfTest) {
  public static final Evidence NONE = new Evidence(Optional.empty(), Optional.empty());

  Evidence with(Refusal next) {
    return new Evidence(Optional.of(next), selfTest);
  }

  Evidence with(TestFigures next) {
    return new Evidence(refusal, Optional.of(next));
  }
}
