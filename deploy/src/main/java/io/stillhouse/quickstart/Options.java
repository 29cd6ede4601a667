package io.stillhouse.quickstart;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How the story is told.
 *
 * @param root the checkout or the installed tree; launchers are in {@code deploy/bin} below it
 * @param exit stop everything at the end instead of serving on
 */
record Options(Path root, Path dataDir, Optional<Path> jsonFile, boolean exit) {
  Path launchers() {
    return root.resolve("deploy/bin");
  }
}
