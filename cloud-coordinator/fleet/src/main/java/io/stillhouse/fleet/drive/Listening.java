package io.stillhouse.fleet.drive;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Since when somebody who looks at the record every moment could hear devices. A look that comes
 * late means that he was away, or the storage, or that the clock jumped; what devices could not say
 * meanwhile is no silence of theirs. Thread-safe.
 */
public final class Listening {
  /** Far above the time between two looks, far below any patience with a device. */
  public static final Duration GAP_MAX = Duration.ofSeconds(20);

  private Optional<Instant> last = Optional.empty();
  private Instant since = Instant.MAX;

  /**
   * Notes a look.
   *
   * @param now store time, which never goes backwards
   * @return since when looks have come in time, this one included
   */
  public synchronized Instant look(Instant now) {
    if (last.filter(before -> !now.isAfter(before.plus(GAP_MAX))).isEmpty()) {
      since = now;
    }
    last = Optional.of(now);
    return since;
  }

  /** As of the latest look; the far future before the first. */
  public synchronized Instant since() {
    return since;
  }
}
