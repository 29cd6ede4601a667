package io.stillhouse.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Where the tests find the product and keep what they make. */
final class Checkout {
  static final Path ROOT = Path.of("").toAbsolutePath().resolve("..").normalize();
  static final Path LAUNCHERS = ROOT.resolve("deploy").resolve("bin");

  /** Emptied by {@code mvn clean} only, so that the logs of a failed test can be read. */
  private static final Path WORK = ROOT.resolve("deploy").resolve("target").resolve("system");

  private Checkout() {}

  /** An empty folder of this name. */
  static Path fresh(String name) {
    Path folder = WORK.resolve(name);
    try {
      delete(folder);
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Draws the tutorial's pictures: {@code train/} and {@code test/}, four classes, 28 x 28. */
  static void drawPictures(Path folder) {
    Path program = ROOT.resolve("docs").resolve("tutorial").resolve("Pictures.java");
    try {
      int code =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  program.toString(),
                  folder.toString())
              .inheritIO()
              .start()
              .waitFor();
      if (code != 0) {
        throw new AssertionError(program + " ended with " + code);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Copies a tree with its permissions: keys stay readable for their owner only. */
  static void copy(Path from, Path to) {
    try (Stream<Path> tree = Files.walk(from)) {
      for (Path path : (Iterable<Path>) tree::iterator) {
        Path target = to.resolve(from.relativize(path).toString());
        if (!Files.isDirectory(target)) {
          Files.copy(path, target, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Deletes a tree, if it is there. */
  static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(folder)) {
      List<Path> inner = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path path : inner) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
