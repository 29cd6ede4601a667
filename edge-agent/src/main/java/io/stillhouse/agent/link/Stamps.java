package io.stillhouse.agent.link;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * What marks every message of one start of the agent.
 *
 * @param bootId fresh at each start
 * @param agentVersion of this program
 * @param wall for people; may be wrong
 * @param nanoTicker monotonic nanoseconds
 * @param bootNanos of the ticker when the agent started
 */
public record Stamps(
    String bootId,
    String agentVersion,
    InstantSource wall,
    LongSupplier nanoTicker,
    long bootNanos) {
  long sinceBootMillis() {
    return (nanoTicker.getAsLong() - bootNanos) / 1_000_000;
  }
}
