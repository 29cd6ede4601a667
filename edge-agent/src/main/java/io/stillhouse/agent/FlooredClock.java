package io.stillhouse.agent;

import java.time.Instant;
import java.time.InstantSource;

/**
 * The machine's clock, but never before a moment that is known to have passed. A board without a
 * battery wakes in 1970; stamps would then precede everything that the coordinator knows.
 * Thread-safe.
 */
final class FlooredClock implements InstantSource {
  private final InstantSource machine;
  private volatile Instant floor;

  FlooredClock(InstantSource machine, Instant floor) {
    this.machine = machine;
    this.floor = floor;
  }

  /** Raises the floor; an earlier moment changes nothing. */
  synchronized void raise(Instant passed) {
    if (passed.isAfter(floor)) {
      floor = passed;
    }
  }

  @Override
  public Instant instant() {
    Instant now = machine.instant();
    Instant least = floor;
    return now.isBefore(least) ? least : now;
  }
}
