package io.stillhouse.agent.telemetry;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long the drain waits.
 *
 * @param backoffFirst after a first failure; doubled with each further one
 * @param backoffMax bound of the doubling
 * @param ackTimeout for all acknowledgements of a batch
 */
record DrainPace(Duration backoffFirst, Duration backoffMax, Duration ackTimeout) {
  static final DrainPace DEFAULT =
      new DrainPace(Duration.ofMillis(500), Duration.ofSeconds(30), Duration.ofSeconds(35));

  /** Between half of the doubled wait and all of it, so that a fleet does not return in step. */
  long backoffNanos(int failures, RandomGenerator random) {
    double doubled = backoffFirst.toNanos() * Math.pow(2, Math.min(failures - 1, 30));
    double bounded = Math.min(doubled, (double) backoffMax.toNanos());
    return (long) (bounded * (0.5 + random.nextDouble() / 2));
  }
}
