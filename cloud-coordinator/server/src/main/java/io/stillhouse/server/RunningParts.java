package io.stillhouse.server;

import io.stillhouse.server.pulse.Pulse;
import io.stillhouse.server.pulse.Watch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parts of a coordinator that run: how each says that it serves, and the order in which they
 * stop, which is the reverse of the one in which they came. Filled by one thread; health may be
 * asked by others once that is done.
 */
final class RunningParts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunningParts.class);

  private final LongSupplier nanos;
  private final Deque<Part> started = new ArrayDeque<>();
  private final Map<String, Supplier<Boolean>> healthy = new LinkedHashMap<>();
  private final Map<String, Pulse> pulses = new LinkedHashMap<>();

  private record Part(String name, AutoCloseable handle) {}

  /** Nothing runs yet. */
  RunningParts(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Takes over what has started, and will stop it. */
  void add(String name, AutoCloseable handle) {
    started.push(new Part(name, handle));
  }

  /** Shows a part as healthy while it says so. */
  void show(String part, Supplier<Boolean> serves) {
    healthy.put(part, serves);
  }

  /** Shows a part as healthy while its pulse is there. */
  void show(String part, Pulse pulse) {
    pulses.put(part, pulse);
    show(part, pulse::alive);
  }

  /** Asks a part from time to time and shows what it answers. */
  void watch(String part, Watch.Question question) {
    Watch watch = Watch.start(part, question, nanos);
    add("watch over " + part, watch);
    show(part, watch.pulse());
  }

  /** Waits for every part's first sign of life, so long for each, and goes on without it. */
  void awaitFirstBeats(Duration longest) {
    pulses.forEach(
        (part, pulse) -> {
          if (!pulse.awaitFirst(longest)) {
            LOG.warn("{} has not answered yet; /healthz says so until it does", part);
          }
        });
  }

  /** Whether a part serves; false for one that is not shown. */
  boolean serves(String part) {
    return healthy.getOrDefault(part, () -> false).get();
  }

  /** Whether each part serves. */
  Map<String, Boolean> health() {
    Map<String, Boolean> health = new LinkedHashMap<>();
    healthy.forEach((name, serves) -> health.put(name, serves.get()));
    return health;
  }

  /** Stops everything in good order; what cannot stop is logged and left behind. Idempotent. */
  @Override
  public synchronized void close() {
    while (!started.isEmpty()) {
      Part part = started.pop();
      try {
        part.handle().close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        LOG.warn("{} did not stop cleanly: {}", part.name(), e.toString());
      }
    }
  }
}
