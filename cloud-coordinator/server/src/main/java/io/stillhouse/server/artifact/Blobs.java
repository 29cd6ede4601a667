package io.stillhouse.server.artifact;

import io.stillhouse.model.Digest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * A directory of immutable files. A file appears under its final name only when all of its bytes
 * are on disk: it is written under {@code tmp/}, forced, renamed, and its directory forced. Killed
 * in between, it leaves a temporary file that the next start removes. Thread-safe; two writers of
 * one name write the same bytes, and the later rename changes nothing.
 */
final class Blobs {
  private static final int COPY_BYTES = 64 << 10;

  private final Path root;
  private final Path temporary;

  Blobs(Path root) {
    this.root = root;
    this.temporary = root.resolve("tmp");
    try {
      Files.createDirectories(temporary);
      try (Stream<Path> leftovers = Files.list(temporary)) {
        for (Path leftover : leftovers.toList()) {
          Files.deleteIfExists(leftover);
        }
      }
    } catch (IOException e) {
      throw broken("open the artifact directory", e);
    }
  }

  /** Two levels, so that no directory grows to hundreds of thousands of entries. */
  Path path(String kind, Digest digest) {
    String hex = digest.sha256Hex();
    return root.resolve(kind).resolve(hex.substring(0, 2)).resolve(hex.substring(2));
  }

  /**
   * Stores a stream under a name.
   *
   * @param bytesMax more bytes than this are refused before they are written
   */
  void put(Path target, InputStream bytes, long bytesMax) {
    Path partial = null;
    try {
      Path folder = java.util.Objects.requireNonNull(target.getParent(), "target: parent");
      Files.createDirectories(folder);
      partial = Files.createTempFile(temporary, "put-", ".partial");
      copy(bytes, partial, bytesMax);
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      force(folder);
    } catch (IOException e) {
      throw broken("store an artifact", e);
    } finally {
      discard(partial);
    }
  }

  private static void copy(InputStream bytes, Path partial, long bytesMax) throws IOException {
    byte[] buffer = new byte[COPY_BYTES];
    long total = 0;
    try (FileChannel out = FileChannel.open(partial, StandardOpenOption.WRITE)) {
      for (int n = bytes.read(buffer); n >= 0; n = bytes.read(buffer)) {
        total += n;
        if (total > bytesMax) {
          throw new CoordinatorException(
              ErrorCategory.INVALID,
              "cannot store an artifact file",
              "it is larger than the limit of " + bytesMax + " bytes",
              "choose a smaller network or precision");
        }
        ByteBuffer part = ByteBuffer.wrap(buffer, 0, n);
        while (part.hasRemaining()) {
          out.write(part);
        }
      }
      out.force(true);
    }
  }

  private static void discard(@org.jspecify.annotations.Nullable Path partial) {
    if (partial == null) {
      return;
    }
    try {
      Files.deleteIfExists(partial);
    } catch (IOException e) {
      // The next start removes it; the failure that led here is the one to report.
      org.slf4j.LoggerFactory.getLogger(Blobs.class).warn("left behind: {}", partial, e);
    }
  }

  private static void force(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private CoordinatorException broken(String what, IOException cause) {
    return new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        "cannot " + what,
        cause.getClass().getSimpleName() + ": " + cause.getMessage(),
        "check free space and permissions of " + root + ", then try again",
        cause);
  }
}
