package io.stillhouse.server.remote;

import io.stillhouse.server.training.Folders;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Folders as one ZIP file (APPNOTE 6.3, deflated), on their way between two machines. What is
 * unpacked stays inside its folder and within bounds, whatever the file says. Links are not packed.
 */
final class PackedFolders {
  /** Most files of one packing. */
  static final int FILES_MAX = 10_000;

  /** Most bytes of all of them, unpacked. */
  static final long BYTES_MAX = 4L << 30;

  private static final int BUFFER_BYTES = 64 << 10;

  private PackedFolders() {}

  /** Packs the files of folders, each below its name, in a fixed order; no name is the top. */
  static void pack(Map<String, Path> folders, Path zip) throws IOException {
    try (ZipOutputStream out =
        new ZipOutputStream(
            Files.newOutputStream(
                zip, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING))) {
      for (Map.Entry<String, Path> folder : new TreeMap<>(folders).entrySet()) {
        for (Path file : files(folder.getValue())) {
          Path name = Path.of(folder.getKey()).resolve(folder.getValue().relativize(file));
          out.putNextEntry(new ZipEntry(name.toString().replace('\\', '/')));
          Files.copy(file, out);
          out.closeEntry();
        }
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
          .sorted()
          .toList();
    }
  }

  /**
   * Unpacks into a folder that is made anew.
   *
   * @throws ZipException when it is damaged, too large or reaches outside
   */
  static void unpack(Path zip, Path into) throws IOException {
    Folders.delete(into);
    Files.createDirectories(into);
    long left = BYTES_MAX;
    int files = 0;
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        if (entry.isDirectory()) {
          continue;
        }
        if (++files > FILES_MAX) {
          throw new ZipException("more than " + FILES_MAX + " files");
        }
        left -= write(in, inside(into, entry.getName()), left);
      }
    } catch (IllegalArgumentException e) {
      throw new ZipException(String.valueOf(e.getMessage()));
    }
  }

  private static long write(InputStream in, Path file, long most) throws IOException {
    Files.createDirectories(Objects.requireNonNull(file.getParent(), "file: no folder"));
    long written = 0;
    byte[] buffer = new byte[BUFFER_BYTES];
    try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        written += read;
        if (written > most) {
          throw new ZipException("more than " + BYTES_MAX + " bytes");
        }
        out.write(buffer, 0, read);
      }
    }
    return written;
  }

  /**
   * A path below a folder.
   *
   * @throws IllegalArgumentException when the name leads elsewhere
   */
  static Path inside(Path folder, String name) {
    Path path = folder.resolve(name).normalize();
    if (!path.startsWith(folder.normalize()) || path.equals(folder.normalize())) {
      throw new IllegalArgumentException("'" + name + "' lies outside");
    }
    return path;
  }
}
