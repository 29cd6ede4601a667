package io.stillhouse.agent;

import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a running agent leaves for others on its device: the port that it serves inference on, and
 * its state. Neither is worth a model that does not answer: a disk that refuses is told of once,
 * and gets what it refused at the next {@link #retry} that it allows.
 *
 * <p>Thread-safe.
 */
final class Notices {
  private static final Logger log = LoggerFactory.getLogger(Notices.class);

  private final Disk disk;
  private final Layout layout;
  private final StatusFile status;

  /** The newest content of each file that is not on disk yet. */
  private final Map<Path, Write> owed = new LinkedHashMap<>();

  private boolean refused;

  private interface Write {
    void run() throws IOException;
  }

  Notices(Disk disk, Layout layout) {
    this.disk = disk;
    this.layout = layout;
    this.status = new StatusFile(disk, layout.status());
  }

  /** Says on which port inference is served. */
  synchronized void port(int port) {
    byte[] text = Integer.toString(port).getBytes(StandardCharsets.US_ASCII);
    put(
        layout.restPort(),
        () -> {
          // First of all, so that nobody takes an earlier start's port for this one's; it also
          // leaves a full disk the room that the new file needs.
          disk.delete(layout.restPort());
          disk.replace(layout.restPort(), text);
        });
  }

  /** Says what runs and how the update stands. */
  synchronized void state(String deviceId, UpdateState state, Optional<LoadedSlot> live) {
    put(layout.status(), () -> status.write(deviceId, state, live));
  }

  private void put(Path file, Write write) {
    owed.put(file, write);
    retry();
  }

  /** Writes what the disk refused before. */
  synchronized void retry() {
    owed.entrySet().removeIf(entry -> written(entry.getKey(), entry.getValue()));
    if (refused && owed.isEmpty()) {
      refused = false;
      log.info("the files beside the model are written again");
    }
  }

  private boolean written(Path file, Write write) {
    try {
      write.run();
      return true;
    } catch (IOException e) {
      if (!refused) {
        refused = true;
        log.warn(
            "{} cannot be written: {}; the model is served all the same. Free some space",
            file,
            e.getMessage());
      }
      return false;
    }
  }
}
