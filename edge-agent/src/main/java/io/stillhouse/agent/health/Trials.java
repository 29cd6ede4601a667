package io.stillhouse.agent.health;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.reconcile.TestFigures;
import java.nio.file.Path;
import java.time.Duration;

/** The two trials that a new model has to pass. */
public interface Trials {
  /**
   * Tries a bundle away from live requests. A model that crashes, hangs or answers nonsense is a
   * failed test, never an exception.
   *
   * @throws InterruptedException when the trial is no longer wanted
   */
  TestFigures selfTest(Path slot, BundlePlan plan) throws InterruptedException;

  /** Begins to watch the model that has just become the live one. */
  Watch watch(Path slot, BundlePlan plan, Duration length);

  /** One probation under way. */
  interface Watch {
    Verdict poll();
  }
}
