package io.stillhouse.agent.hardware;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.hardware.DeviceProfile.ProbeResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Probe results kept between starts. Losing the file costs two seconds, so it is neither synced nor
 * repaired: what cannot be read is measured again.
 */
final class ProbeCache {
  private static final long FILE_BYTES_MAX = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Logger log = LoggerFactory.getLogger(ProbeCache.class);

  private final Path file;

  /**
   * Results with what they hold for.
   *
   * @param key runtime, board, threads and probe models
   */
  private record Content(String key, List<ProbeResult> probes) {}

  ProbeCache(Path file) {
    this.file = file;
  }

  /** The results kept under this very key. */
  Optional<List<ProbeResult>> read(String key) {
    try {
      if (!Files.exists(file) || Files.size(file) > FILE_BYTES_MAX) {
        return Optional.empty();
      }
      Content content = JSON.readValue(file.toFile(), Content.class);
      return content != null && key.equals(content.key) && plausible(content.probes)
          ? Optional.of(content.probes)
          : Optional.empty();
    } catch (IOException | RuntimeException e) {
      log.debug("Cached probe results are not usable: {}", e.toString());
      return Optional.empty();
    }
  }

  private static boolean plausible(List<ProbeResult> probes) {
    return !probes.isEmpty()
        && probes.stream()
            .allMatch(
                probe ->
                    probe.layer() != null
                        && probe.precision() != null
                        && Double.isFinite(probe.p50Micros())
                        && probe.p50Micros() > 0);
  }

  void write(String key, List<ProbeResult> probes) {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(partial, json(new Content(key, probes)));
      Files.move(
          partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      log.warn("Probe results cannot be kept and will be measured again: {}", e.toString());
    }
  }

  private static byte[] json(Content content) throws JsonProcessingException {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(content);
  }
}
