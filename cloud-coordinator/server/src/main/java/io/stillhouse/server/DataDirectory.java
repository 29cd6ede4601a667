package io.stillhouse.server;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The directory that holds everything of one coordinator, owned by one process at a time. The lock
 * is the operating system's: it ends with the process, however that ends.
 */
final class DataDirectory implements AutoCloseable {
  private final Path root;
  private final FileChannel lock;

  private DataDirectory(Path root, FileChannel lock) {
    this.root = root;
    this.lock = lock;
  }

  /**
   * Makes the directory when it is missing, and takes it.
   *
   * @throws CoordinatorException when another coordinator has it or it cannot be written
   */
  static DataDirectory open(Path directory) {
    Path root = directory.toAbsolutePath().normalize();
    try {
      Files.createDirectories(root);
      FileChannel channel =
          FileChannel.open(
              root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (tryLock(channel) == null) {
        channel.close();
        throw new CoordinatorException(
            ErrorCategory.CONFLICT,
            "cannot use the data directory " + root,
            "another coordinator runs on it",
            "stop that one, or choose another --data-dir");
      }
      return new DataDirectory(root, channel);
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot use the data directory " + root,
          e.toString(),
          "make it writable for this user, or choose another --data-dir",
          e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // This very process has it.
      return null;
    }
  }

  Path root() {
    return root;
  }

  Path folder(String name) {
    return root.resolve(name);
  }

  /** A name for the coordinator that lives here, made at its first start. */
  String instance(RandomGenerator random) {
    Path file = root.resolve("instance");
    try {
      if (!Files.exists(file)) {
        byte[] unique = new byte[8];
        random.nextBytes(unique);
        Path partial = root.resolve("instance.partial");
        Files.writeString(partial, "coordinator-" + HexFormat.of().formatHex(unique));
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
      }
      String name = Files.readString(file).strip();
      if (name.matches("[A-Za-z0-9._-]{1,100}")) {
        return name;
      }
      throw new IOException("it holds no name");
    } catch (IOException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot use " + file,
          e.toString(),
          "delete it, or make the data directory writable",
          e);
    }
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
