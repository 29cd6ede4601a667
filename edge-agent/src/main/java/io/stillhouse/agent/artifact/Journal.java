package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * The one durable record of where an update stands. It is replaced, never changed in place: a
 * temporary file is written and forced, renamed over the old one, and the directory forced. After a
 * cut at any point the next boot reads the old record or the new one.
 *
 * <p>It also keeps the time floor: the latest moment known to have passed, for boards whose clock
 * starts in 1970. It never falls. Not thread-safe: one updater owns it.
 */
public final class Journal {
  private static final int BYTES_MAX = 1 << 20;

  private final Disk disk;
  private final Path file;
  private long timeFloorEpochMillis;

  public Journal(Disk disk, Path file) {
    this.disk = disk;
    this.file = file;
  }

  /**
   * What the file says.
   *
   * @param state empty when there is none, or none that can be read
   * @param damage why it cannot be read; empty for a device that never had one
   */
  public record Loaded(Optional<UpdateState> state, String damage) {}

  /** Reads the record. Never fails: damage is an answer. */
  public Loaded load() {
    try {
      JournalText.Content content = JournalText.read(disk.read(file, BYTES_MAX));
      timeFloorEpochMillis = Math.max(timeFloorEpochMillis, content.timeFloorEpochMillis());
      return new Loaded(Optional.of(content.state()), "");
    } catch (NoSuchFileException e) {
      return new Loaded(Optional.empty(), "");
    } catch (JournalText.JournalDamagedException e) {
      return new Loaded(Optional.empty(), "the journal is damaged: " + e.getMessage());
    } catch (IOException e) {
      return new Loaded(Optional.empty(), "the journal cannot be read: " + e.getMessage());
    }
  }

  /**
   * Replaces the record durably.
   *
   * @throws IOException when the disk refuses, for instance because it is full; the old record then
   *     still stands
   */
  public void save(UpdateState state) throws IOException {
    disk.replace(file, JournalText.write(new JournalText.Content(state, timeFloorEpochMillis)));
  }

  /**
   * Raises the time floor; the next {@link #save} makes it durable. Call it only with a time that a
   * trusted source stated: a clock that once jumped ahead would expire everything for ever.
   */
  public void raiseTimeFloor(Instant trusted) {
    timeFloorEpochMillis = Math.max(timeFloorEpochMillis, trusted.toEpochMilli());
  }

  public Instant timeFloor() {
    return Instant.ofEpochMilli(timeFloorEpochMillis);
  }
}
