package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Slot;
import java.io.IOException;
import java.nio.file.Path;

/** Where things lie in the agent's data directory. */
public record Layout(Path root) {
  static final String MANIFEST = "manifest.bin";
  static final String SIGNATURE = "manifest.sig";

  public Path journal() {
    return root.resolve("journal");
  }

  public Path slots() {
    return root.resolve("slots");
  }

  public Path slot(Slot slot) {
    return slots().resolve(slot.folder());
  }

  public Path staging() {
    return root.resolve("staging");
  }

  Path staging(Digest digest) {
    return staging().resolve(digest.sha256Hex());
  }

  public Path identity() {
    return root.resolve("identity");
  }

  public Path spool() {
    return root.resolve("spool");
  }

  public Path status() {
    return root.resolve("status.json");
  }

  public Path restPort() {
    return root.resolve("rest.port");
  }

  public Path lock() {
    return root.resolve("lock");
  }

  /** The ONNX Runtime library, unpacked once instead of at every start. */
  public Path nativeLibrary() {
    return root.resolve("native");
  }

  /** Makes the directories that an update needs. */
  public void create(Disk disk) throws IOException {
    disk.createDirectory(root);
    disk.createDirectory(slots());
    disk.createDirectory(staging());
    disk.forceDirectory(root);
  }
}
