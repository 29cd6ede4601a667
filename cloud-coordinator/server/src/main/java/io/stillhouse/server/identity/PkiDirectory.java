package io.stillhouse.server.identity;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The directory of the coordinator's long-lived secrets. It appears whole or not at all: files are
 * written and forced to disk in a sibling directory, which is then renamed. A cut in between leaves
 * a sibling that the next start removes.
 */
final class PkiDirectory {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_DIRECTORY =
      PosixFilePermissions.fromString("rwx------");

  private final Path directory;

  PkiDirectory(Path directory) {
    this.directory = directory.toAbsolutePath();
  }

  boolean exists() {
    return Files.isDirectory(directory);
  }

  String read(String name) throws IOException {
    return Files.readString(directory.resolve(name), StandardCharsets.US_ASCII);
  }

  /** Creates the directory with these files; when another process was faster, its files stay. */
  void create(Map<String, String> files) throws IOException {
    Path parent = java.util.Objects.requireNonNull(directory.getParent(), "pki directory: parent");
    Files.createDirectories(parent);
    String prefix = directory.getFileName() + ".partial-";
    removeLeftovers(parent, prefix);
    Path partial =
        Files.createTempDirectory(
            parent, prefix, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
    try {
      for (Map.Entry<String, String> file : files.entrySet()) {
        write(partial.resolve(file.getKey()), file.getValue());
      }
      force(partial);
      Files.move(partial, directory, StandardCopyOption.ATOMIC_MOVE);
      force(parent);
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
      remove(partial);
    } catch (IOException e) {
      remove(partial);
      if (!exists()) {
        throw e;
      }
    }
  }

  private static void write(Path file, String text) throws IOException {
    try (FileChannel out =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OWNER_ONLY))) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      out.force(true);
    }
  }

  private static void force(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void removeLeftovers(Path parent, String prefix) throws IOException {
    try (Stream<Path> siblings = Files.list(parent)) {
      for (Path sibling :
          siblings.filter(p -> p.getFileName().toString().startsWith(prefix)).toList()) {
        remove(sibling);
      }
    }
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}
