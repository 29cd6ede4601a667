package io.stillhouse.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The hand-written sources of the checkout. */
final class SourceTree {
  static final Path ROOT = Path.of("").toAbsolutePath().resolve("..").normalize();
  private static final List<String> MODULES =
      List.of(
          "cloud-coordinator/model-spec",
          "cloud-coordinator/model-lab",
          "cloud-coordinator/fleet",
          "cloud-coordinator/server",
          "edge-agent",
          "deploy");
  private static final Path BASE = Path.of("io", "stillhouse");

  private SourceTree() {}

  /** Every folder with a class of the product in it. */
  static List<Path> packages() throws IOException {
    List<Path> folders = new ArrayList<>();
    for (String module : MODULES) {
      Path base = base(module);
      try (Stream<Path> files = Files.walk(base)) {
        folders.addAll(
            new TreeSet<>(
                files
                    .filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.endsWith("package-info.java"))
                    .map(file -> file.resolveSibling("."))
                    .map(Path::normalize)
                    .toList()));
      }
    }
    return folders;
  }

  /** Its name below {@code io.stillhouse}, as the documentation writes it. */
  static String name(Path folder) {
    for (String module : MODULES) {
      if (folder.startsWith(base(module))) {
        return base(module).relativize(folder).toString().replace('/', '.');
      }
    }
    throw new IllegalArgumentException("folder: " + folder + " (expected: one of a module)");
  }

  private static Path base(String module) {
    return ROOT.resolve(module).resolve("src/main/java").resolve(BASE);
  }
}
