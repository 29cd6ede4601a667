package io.stillhouse.agent.artifact;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * The file operations that an update is made of, each of which a power cut may prevent or undo
 * until it has been forced. Narrow on purpose: a test puts a disk behind it that fails after any
 * operation and forgets what was not forced.
 */
public interface Disk {
  /**
   * The whole file.
   *
   * @throws java.nio.file.NoSuchFileException when there is none
   * @throws IOException also when it is longer than {@code bytesMax}
   */
  byte[] read(Path file, int bytesMax) throws IOException;

  InputStream open(Path file) throws IOException;

  /** Creates or replaces a file that only this user may read. Not durable before {@link #force}. */
  void write(Path file, byte[] bytes) throws IOException;

  /** Writes inside or at the end of a file, creating it. Not durable before {@link #force}. */
  void writeAt(Path file, long offset, byte[] bytes) throws IOException;

  /** Makes a file's content durable. */
  void force(Path file) throws IOException;

  /** Makes the names in a directory durable. */
  void forceDirectory(Path directory) throws IOException;

  /** Renames atomically; a file at the target is replaced. */
  void move(Path from, Path to) throws IOException;

  /** Creates a directory that only this user may enter; one that exists is fine. */
  void createDirectory(Path directory) throws IOException;

  /** Removes a file or an empty directory; an absent one is fine. */
  void delete(Path path) throws IOException;

  boolean exists(Path path);

  boolean isDirectory(Path path);

  long size(Path file) throws IOException;

  /** The entries of a directory, sorted; empty when it does not exist. */
  List<Path> list(Path directory) throws IOException;

  /** Bytes that may still be written on the disk of a directory. */
  long freeBytes(Path directory) throws IOException;

  /** Replaces a file so that a reader, or a boot after a cut, sees the old or the new bytes. */
  default void replace(Path file, byte[] bytes) throws IOException {
    Path parent = Objects.requireNonNull(file.getParent(), "file: has no parent directory");
    Path temporary = file.resolveSibling(file.getFileName() + ".new");
    write(temporary, bytes);
    force(temporary);
    move(temporary, file);
    forceDirectory(parent);
  }

  /** Removes a directory with all it contains, or a file. */
  default void deleteTree(Path path) throws IOException {
    if (isDirectory(path)) {
      for (Path entry : list(path)) {
        deleteTree(entry);
      }
    }
    delete(path);
  }
}
