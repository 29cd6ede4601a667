package io.stillhouse.agent.inference;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unpacks ONNX Runtime's native libraries once, into the data directory.
 *
 * <p>Left alone, the runtime unpacks 24 MB into the temporary directory at each start, which takes
 * half of the start's time on a board, and leaves them there when the process is killed.
 */
final class NativeLibraries {
  /** The runtime looks for its libraries here first. */
  static final String PATH_PROPERTY = "onnxruntime.native.path";

  private static final List<String> LIBRARIES =
      List.of("libonnxruntime.so", "libonnxruntime4j_jni.so");
  private static final String PREFIX = "onnxruntime-";
  private static final Logger log = LoggerFactory.getLogger(NativeLibraries.class);

  private NativeLibraries() {}

  /** A library in the runtime's jar. */
  private record Packed(URL url, String name, long sizeBytes, long crc) {}

  /**
   * Makes the runtime load from {@code directory}. Nothing happens when an operator has set the
   * path, or where the jar has no library for this platform; when the disk refuses, the runtime is
   * left to its own way.
   */
  static void prepare(Path directory) {
    if (System.getProperty(PATH_PROPERTY) != null) {
      return;
    }
    Optional<String> platform = platform();
    if (platform.isEmpty()) {
      return;
    }
    try {
      System.setProperty(PATH_PROPERTY, unpack(platform.get(), directory).toString());
    } catch (IOException e) {
      log.warn("The runtime's libraries are unpacked to the temporary directory: {}", e.toString());
    }
  }

  private static Optional<String> platform() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return Optional.empty();
    }
    return switch (System.getProperty("os.arch", "")) {
      case "amd64", "x86_64" -> Optional.of("linux-x64");
      case "aarch64" -> Optional.of("linux-aarch64");
      default -> Optional.empty();
    };
  }

  private static Path unpack(String platform, Path directory) throws IOException {
    List<Packed> libraries = new ArrayList<>();
    for (String name : LIBRARIES) {
      libraries.add(packed("ai/onnxruntime/native/" + platform + "/" + name, name));
    }
    // Named by content: another version of the runtime gets a folder of its own.
    Path folder =
        directory.toAbsolutePath().resolve(PREFIX + Long.toHexString(libraries.get(0).crc));
    if (!complete(folder, libraries)) {
      Path partial = directory.resolve("partial");
      deleteTree(partial);
      deleteTree(folder);
      Files.createDirectories(partial);
      for (Packed library : libraries) {
        write(library, partial.resolve(library.name));
      }
      Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
    }
    deleteOthers(directory, folder);
    return folder;
  }

  private static Packed packed(String resource, String name) throws IOException {
    URL url = NativeLibraries.class.getClassLoader().getResource(resource);
    if (url == null || !(url.openConnection() instanceof JarURLConnection jar)) {
      throw new IOException("no " + resource + " in a jar on the class path");
    }
    return new Packed(url, name, jar.getJarEntry().getSize(), jar.getJarEntry().getCrc());
  }

  private static boolean complete(Path folder, List<Packed> libraries) throws IOException {
    for (Packed library : libraries) {
      Path file = folder.resolve(library.name);
      if (!Files.isRegularFile(file) || Files.size(file) != library.sizeBytes) {
        return false;
      }
    }
    return true;
  }

  private static void write(Packed library, Path file) throws IOException {
    try (InputStream in = library.url.openStream()) {
      Files.copy(in, file);
    }
    // Before the rename makes it count: a power cut must not leave a library of zeros.
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  private static void deleteOthers(Path directory, Path kept) throws IOException {
    List<Path> others;
    try (Stream<Path> entries = Files.list(directory)) {
      others =
          entries
              .filter(entry -> String.valueOf(entry.getFileName()).startsWith(PREFIX))
              .filter(entry -> !entry.getFileName().equals(kept.getFileName()))
              .toList();
    }
    for (Path other : others) {
      deleteTree(other);
    }
  }

  private static void deleteTree(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> paths = Files.walk(tree)) {
      deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.delete(path);
    }
  }
}
