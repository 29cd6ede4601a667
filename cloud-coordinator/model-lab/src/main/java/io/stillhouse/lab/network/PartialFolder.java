package io.stillhouse.lab.network;

import io.stillhouse.lab.LabException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder that appears whole or not at all: it is filled as {@code NAME.partial}, synced, then
 * renamed. Closing without {@link #commit} removes it. A left-over of a killed run is replaced.
 */
public final class PartialFolder implements AutoCloseable {
  private final Path target;
  private final Path partial;
  private boolean committed;

  private PartialFolder(Path target, Path partial) {
    this.target = target;
    this.partial = partial;
  }

  /** Refuses a target that exists and is not an empty folder. */
  public static PartialFolder open(Path target) {
    requireFree(target);
    Path absolute = target.toAbsolutePath();
    try {
      Path partial = absolute.resolveSibling(absolute.getFileName() + ".partial");
      removeTree(partial);
      Files.createDirectories(partial);
      return new PartialFolder(absolute, partial);
    } catch (IOException e) {
      throw unwritable(target, e);
    }
  }

  /** Refuses a target that exists and is not an empty folder, or that has no name of its own. */
  public static void requireFree(Path target) {
    Path absolute = target.toAbsolutePath();
    if (absolute.getFileName() == null) {
      throw new LabException("output " + target, "it is no folder's name", "Name a new folder");
    }
    if (!Files.exists(absolute)) {
      return;
    }
    try (Stream<Path> entries =
        Files.isDirectory(absolute) ? Files.list(absolute) : Stream.of(absolute)) {
      if (entries.findAny().isPresent()) {
        throw new LabException(
            "output " + target, "it exists and is not empty", "Name a new folder with --out");
      }
    } catch (IOException e) {
      throw unwritable(target, e);
    }
  }

  /** A refusal of the file system, in words: its own message is often the bare path. */
  static LabException unwritable(Path target, IOException e) {
    String why = String.valueOf(e.getMessage());
    if (e instanceof AccessDeniedException) {
      why = "permission denied for " + why;
    } else if (e instanceof NoSuchFileException) {
      why = why + " cannot be made";
    } else if (e instanceof FileAlreadyExistsException) {
      why = why + " is a file, not a folder";
    }
    return new LabException("output " + target, why, "Name a folder that can be written", e);
  }

  /** Where to write. */
  public Path path() {
    return partial;
  }

  public void commit() throws IOException {
    try (Stream<Path> files = Files.walk(partial)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sync(file);
      }
    }
    Files.deleteIfExists(target);
    Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    committed = true;
    Path parent = target.getParent();
    if (parent != null) {
      sync(parent);
    }
  }

  @Override
  public void close() {
    if (!committed) {
      try {
        removeTree(partial);
      } catch (IOException e) {
        // It stays behind under its telling name; the next run replaces it.
      }
    }
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Removes a folder and all that is in it; one that is not there is no failure. */
  public static void removeTree(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.delete(path);
    }
  }
}
