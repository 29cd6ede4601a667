package io.stillhouse.agent;

import io.stillhouse.agent.artifact.Layout;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The right to work on a data directory, which one process has at a time. */
final class DirectoryLock implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DirectoryLock.class);

  /** Closing it gives the lock back. */
  private final Optional<FileChannel> file;

  private DirectoryLock(Optional<FileChannel> file) {
    this.file = file;
  }

  /**
   * Takes the lock or fails.
   *
   * @throws AgentException when another process has it
   * @throws IOException when the disk has no place for the lock's file
   */
  static DirectoryLock take(Layout layout) throws IOException {
    FileChannel file =
        FileChannel.open(layout.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = file.tryLock();
      if (lock != null) {
        return new DirectoryLock(Optional.of(file));
      }
    } catch (OverlappingFileLockException e) {
      log.trace("held by this very process", e);
    } catch (IOException e) {
      file.close();
      throw e;
    }
    file.close();
    throw new AgentException(
        "data directory " + layout.root(),
        "another agent runs on it",
        "Stop that one, or give this one a directory of its own");
  }

  /** Takes the lock; goes on without it where the disk refuses, for a model has to be served. */
  static DirectoryLock takeIfTheDiskAllows(Layout layout) {
    try {
      return take(layout);
    } catch (IOException e) {
      log.warn(
          "the lock {} cannot be taken: {}; see that no second agent is started on {}",
          layout.lock(),
          e.getMessage(),
          layout.root());
      return new DirectoryLock(Optional.empty());
    }
  }

  @Override
  public void close() throws IOException {
    if (file.isPresent()) {
      file.get().close();
    }
  }
}
