package io.stillhouse.fleet.port;

import java.util.OptionalLong;

/**
 * The right to drive rollouts, held by one coordinator at a time; each take-over raises the epoch.
 */
public interface LeaderLease {
  /** Takes or renews; the epoch when this holder has it, empty when another one does. */
  OptionalLong acquire();

  /** Gives it up, so that another coordinator need not wait for it to expire. */
  void release();
}
