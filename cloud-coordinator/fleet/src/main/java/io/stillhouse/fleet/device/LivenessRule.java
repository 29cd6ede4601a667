package io.stillhouse.fleet.device;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Turns the time of the last heartbeat into a {@link Liveness}. Both instants are store time, so a
 * device's own clock cannot make it look alive or dead; a heartbeat from the future counts as now.
 *
 * @param staleAfter silence after which a device is {@link Liveness#STALE}
 * @param lostAfter silence after which it is {@link Liveness#LOST}
 */
public record LivenessRule(Duration staleAfter, Duration lostAfter) {
  public LivenessRule {
    if (staleAfter.isNegative() || staleAfter.isZero() || lostAfter.compareTo(staleAfter) < 0) {
      throw new IllegalArgumentException(
          "stale after %s, lost after %s (expected: 0 < stale <= lost)"
              .formatted(staleAfter, lostAfter));
    }
  }

  public Liveness of(Optional<Instant> lastSeen, Instant now) {
    if (lastSeen.isEmpty()) {
      return Liveness.NEVER_SEEN;
    }
    Duration silence = Duration.between(lastSeen.get(), now);
    if (silence.compareTo(lostAfter) >= 0) {
      return Liveness.LOST;
    }
    return silence.compareTo(staleAfter) >= 0 ? Liveness.STALE : Liveness.ONLINE;
  }
}
