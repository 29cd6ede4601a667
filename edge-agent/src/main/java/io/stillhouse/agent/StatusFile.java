package io.stillhouse.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** What {@code stillhouse-agent status} shows, as one JSON file that is replaced whole. */
final class StatusFile {
  private static final int BYTES_MAX = 64 << 10;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Disk disk;
  private final Path file;

  StatusFile(Disk disk, Path file) {
    this.disk = disk;
    this.file = file;
  }

  /** Writes the state; not forced to disk, because the next one replaces it. */
  void write(String deviceId, UpdateState state, Optional<LoadedSlot> live) throws IOException {
    ObjectNode fields = JSON.createObjectNode();
    fields.put("deviceId", deviceId);
    fields.put("phase", state.phase().name());
    fields.put("generation", state.desired().generation());
    fields.put("desired", hex(state.desired().artifact()));
    fields.put("model", live.map(slot -> slot.card().model()).orElse(""));
    fields.put("version", live.map(slot -> slot.card().version()).orElse(0L));
    fields.put("running", live.map(LoadedSlot::digest).orElse(""));
    fields.put("committed", hex(state.models().committed().map(Installed::digest)));
    fields.put("fallback", hex(state.models().fallback().map(Installed::digest)));
    fields.put("attempt", state.progress().attempt());
    fields.put(
        "refusal", state.evidence().refusal().map(r -> r.reason() + ": " + r.detail()).orElse(""));
    Path temporary = file.resolveSibling(file.getFileName() + ".new");
    disk.write(temporary, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(fields));
    disk.move(temporary, file);
  }

  /** The last state that was written. */
  Optional<ObjectNode> read() throws IOException {
    if (!disk.exists(file)) {
      return Optional.empty();
    }
    return JSON.readTree(disk.read(file, BYTES_MAX)) instanceof ObjectNode fields
        ? Optional.of(fields)
        : Optional.empty();
  }

  private static String hex(Optional<Digest> digest) {
    return digest.map(Digest::sha256Hex).orElse("");
  }
}
