package io.stillhouse.server.device;

import io.grpc.Status;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Who downloads, and how far that may go: a few at a time for each device, a bounded number for
 * all, and none that stands still. Thread-safe.
 *
 * <p>A download that was ended for standing still gives its place to others at once; against its
 * device it counts until the stream is really gone, since a device that never reads cannot be told,
 * and what was sent to it stays in memory.
 */
final class Downloads {
  /** Downloads at one time; a device that is refused one tries again with jitter. */
  static final int TOTAL_MAX = 256;

  /** Of one device; an agent needs one. */
  static final int PER_DEVICE_MAX = 4;

  /**
   * A download that takes no chunk for this long is ended; the agent goes on from where it was.
   * Long enough for the slowest link that is of use, one kilobyte a second.
   */
  static final Duration STALL_MAX = Duration.ofMinutes(5);

  private final LongSupplier nanos;
  private final Set<Download> running = new HashSet<>();
  private final Map<DeviceId, Integer> byDevice = new HashMap<>();

  /**
   * Nobody downloads yet.
   *
   * @param nanos monotonic
   */
  Downloads(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** One download under way. */
  final class Download {
    private final DeviceId device;
    private long progressAt = nanos.getAsLong();
    private boolean closed;
    private Consumer<Status> end = status -> {};

    private Download(DeviceId device) {
      this.device = device;
    }

    /** Who ends the stream if it stands still. */
    void endedBy(Consumer<Status> ending) {
      synchronized (Downloads.this) {
        end = ending;
      }
    }

    /** The device has taken something. */
    void progressed() {
      synchronized (Downloads.this) {
        progressAt = nanos.getAsLong();
      }
    }

    /** The stream is gone. Idempotent. */
    void close() {
      synchronized (Downloads.this) {
        if (!closed) {
          closed = true;
          running.remove(this);
          byDevice.computeIfPresent(device, (d, count) -> count == 1 ? null : count - 1);
        }
      }
    }
  }

  /**
   * Begins a download.
   *
   * @throws CoordinatorException when there is no place for it
   */
  synchronized Download begin(DeviceId device) {
    if (byDevice.getOrDefault(device, 0) >= PER_DEVICE_MAX) {
      throw full(PER_DEVICE_MAX + " downloads of this device are under way");
    }
    if (running.size() >= TOTAL_MAX) {
      throw full(TOTAL_MAX + " downloads are under way");
    }
    byDevice.merge(device, 1, Integer::sum);
    Download download = new Download(device);
    running.add(download);
    return download;
  }

  /** How many are under way; those that were ended for standing still are not counted. */
  synchronized int running() {
    return running.size();
  }

  /** Ends what has stood still for too long. */
  void endStalled() {
    for (Download download : takeStalled()) {
      // Outside the lock: it waits for the stream's own.
      download.end.accept(
          Status.DEADLINE_EXCEEDED.withDescription(
              "no chunk was taken for %d s; fetch again from the next one"
                  .formatted(STALL_MAX.toSeconds())));
    }
  }

  private synchronized List<Download> takeStalled() {
    long now = nanos.getAsLong();
    List<Download> stalled =
        running.stream().filter(d -> now - d.progressAt > STALL_MAX.toNanos()).toList();
    stalled.forEach(running::remove);
    return stalled;
  }

  private static CoordinatorException full(String why) {
    return new CoordinatorException(
        ErrorCategory.EXHAUSTED, "cannot send an artifact", why, "try again later");
  }
}
