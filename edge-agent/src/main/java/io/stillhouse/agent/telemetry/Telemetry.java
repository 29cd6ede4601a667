package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.proto.telemetry.v1.DeviceEvent;
import io.stillhouse.proto.telemetry.v1.TelemetryWindow;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All telemetry of the agent: windows recorded from the model host, events of its life, and the
 * drain to Kafka. Works with no broker for any time; what was recorded survives restarts.
 *
 * <p>A spool that the disk has no place for is kept in memory, smaller and under an identity of its
 * own, until the agent ends: a device whose disk is full is the one that has to be heard of.
 *
 * <p>Windows and events have a spool each, so that within each topic a missing number is a lost
 * record.
 *
 * <p>Thread-safe. Nothing here runs on, or blocks, an inference.
 */
public final class Telemetry implements AutoCloseable {
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

  /** Of each spool that has to live in memory. */
  private static final long MEMORY_BYTES_MAX = 1L << 20;

  private static final Logger log = LoggerFactory.getLogger(Telemetry.class);

  private final TelemetryIdentity identity;
  private final Clocks clocks;
  private final Spool windows;
  private final Spool events;
  private final KafkaDrain drain;
  private final TelemetryRecorder recorder;
  private final ScheduledExecutorService timer;

  /** The two spools. */
  record Spools(Spool windows, Spool events) {}

  private Telemetry(
      TelemetryIdentity identity,
      Clocks clocks,
      Spools spools,
      TelemetryRecorder recorder,
      KafkaDrain.Means means) {
    this.identity = identity;
    this.clocks = clocks;
    this.windows = spools.windows;
    this.events = spools.events;
    this.recorder = recorder;
    this.drain =
        new KafkaDrain(
            List.of(
                new KafkaDrain.Source(events, target -> KafkaTarget.EVENTS_TOPIC),
                new KafkaDrain.Source(windows, KafkaTarget::telemetryTopic)),
            identity.deviceId(),
            means);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            command -> {
              Thread thread = new Thread(command, "telemetry-windows");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Opens the spools and starts recording windows; nothing is sent before {@link #sendTo}.
   *
   * @param random spreads the tries of a fleet whose broker was away
   */
  public static Telemetry start(
      TelemetrySettings settings,
      TelemetryIdentity identity,
      ModelHost host,
      Clocks clocks,
      RandomGenerator random) {
    return start(
        settings,
        identity,
        host,
        clocks,
        new KafkaDrain.Means(KafkaDrain::producer, DrainPace.DEFAULT, random));
  }

  static Telemetry start(
      TelemetrySettings settings,
      TelemetryIdentity identity,
      ModelHost host,
      Clocks clocks,
      KafkaDrain.Means means) {
    TelemetryRecorder recorder =
        new TelemetryRecorder(identity, host, new ResourceReader(Path.of("/"))::read, clocks);
    Telemetry telemetry = new Telemetry(identity, clocks, openSpools(settings), recorder, means);
    telemetry.drain.start();
    long nanos = settings.window().toNanos();
    var unused =
        telemetry.timer.scheduleAtFixedRate(
            telemetry::recordWindow, nanos, nanos, TimeUnit.NANOSECONDS);
    return telemetry;
  }

  private static Spools openSpools(TelemetrySettings settings) {
    long eventBytes = settings.eventBytesMax();
    return new Spools(
        open(settings.directory().resolve("windows"), settings.spoolBytesMax() - eventBytes),
        open(settings.directory().resolve("events"), eventBytes));
  }

  private static Spool open(Path directory, long bytesMax) {
    try {
      return Spool.open(directory, bytesMax);
    } catch (IOException e) {
      log.warn(
          "The telemetry spool {} cannot be used: {}; telemetry is kept in memory until the agent"
              + " starts again. Free some space",
          directory,
          e.toString());
    }
    try {
      return Spool.open(new MemoryStorage(), Math.min(bytesMax, MEMORY_BYTES_MAX));
    } catch (IOException e) {
      throw new AssertionError("memory refuses no write", e);
    }
  }

  /** Sets or changes where telemetry is sent; the same target again is no change. */
  public void sendTo(KafkaTarget target) {
    drain.sendTo(target);
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
    DeviceEvent.Builder event =
        DeviceEvent.newBuilder()
            .setDeviceId(identity.deviceId())
            .setSpoolId(events.spoolId())
            .setWallEpochMillis(clocks.wall().millis())
            .setKind(kind)
            .setDetail(detail)
            .setArtifactSha256(artifactSha256);
    events.append(List.of(seq -> event.setSeq(seq).build().toByteArray()));
    drain.wake();
  }

  /** Runs on the timer's thread alone. */
  private void recordWindow() {
    try {
      windows.append(
          recorder.closeWindow().stream()
              .map(window -> (Spool.Payload) seq -> bytes(window, seq))
              .toList());
      drain.wake();
    } catch (RuntimeException e) {
      // Thrown on, it would silently end all further windows.
      log.error("A telemetry window could not be recorded", e);
    }
  }

  private byte[] bytes(TelemetryWindow.Builder window, long seq) {
    return window
        .setSpoolId(windows.spoolId())
        .setSeq(seq)
        .setDroppedRecords(windows.dropped())
        .build()
        .toByteArray();
  }

  /** Counts over both spools, for {@code status}. */
  public Status status() {
    return new Status(
        windows.pending() + events.pending(),
        windows.dropped() + events.dropped(),
        drain.problem());
  }

  /**
   * State of the way to the broker.
   *
   * @param pending durable records that are not acknowledged yet
   * @param dropped records that the bounded spools gave up since their creation
   * @param problem why nothing is sent at the moment, in one line
   */
  public record Status(long pending, long dropped, Optional<String> problem) {}

  /** Records the window under way, stops, and leaves what is unsent in the spool. */
  @Override
  public void close() {
    timer.execute(this::recordWindow);
    timer.shutdown();
    try {
      if (!timer.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
        log.warn("The last telemetry window is not recorded: the disk does not answer");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    drain.close();
    try {
      windows.close();
      events.close();
    } catch (IOException e) {
      log.warn("The telemetry spool did not close cleanly: {}", e.toString());
    }
  }
}
