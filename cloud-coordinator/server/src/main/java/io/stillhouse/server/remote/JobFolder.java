package io.stillhouse.server.remote;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.model.Digest;
import io.stillhouse.server.service.LabClaims.Claim;
import io.stillhouse.server.training.Folders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A job's folder on a worker's machine. It is named by the order too: job 3 of another coordinator,
 * or of one whose record was lost, is another job.
 */
final class JobFolder {
  /** Folders of jobs that went elsewhere; more are removed, the longest untouched first. */
  static final int KEPT_MAX = 4;

  private static final String PREFIX = "job-";

  private final Path at;
  private final JsonNode order;

  JobFolder(Path all, Claim claim) throws IOException {
    this.order = claim.order();
    String content = Digest.of(order.toString().getBytes(StandardCharsets.UTF_8)).sha256Hex();
    this.at = PackedFolders.inside(all, PREFIX + claim.job() + "-" + content.substring(0, 12));
    removeOld(all);
    Files.createDirectories(at);
  }

  private void removeOld(Path all) throws IOException {
    Files.createDirectories(all);
    List<Path> others;
    try (Stream<Path> folders = Files.list(all)) {
      others =
          new ArrayList<>(
              folders
                  .filter(f -> String.valueOf(f.getFileName()).startsWith(PREFIX) && !f.equals(at))
                  .toList());
    }
    Map<Path, FileTime> touched = new HashMap<>();
    for (Path folder : others) {
      touched.put(folder, Files.getLastModifiedTime(folder));
    }
    others.sort(Comparator.comparing(touched::get));
    for (Path folder : others.subList(0, Math.max(0, others.size() - KEPT_MAX))) {
      Folders.delete(folder);
    }
  }

  Path at() {
    return at;
  }

  /** Writes the order for this machine. */
  void order(int threads) throws IOException {
    Files.writeString(
        at.resolve("job.json"),
        PortableOrder.at(order, at, threads).toString(),
        StandardCharsets.UTF_8);
  }

  /** Puts the inputs in their place; what an earlier attempt of the job made here stays. */
  void take(Path zip) throws IOException {
    Path fresh = at.resolve("inputs");
    PackedFolders.unpack(zip, fresh);
    Files.delete(zip);
    Path out = at.resolve(PortableOrder.OUT);
    if (!PortableOrder.growing(order)) {
      // It was finished by an attempt that could not say so; the checkpoint makes it again soon.
      Folders.delete(out);
    }
    List<Path> inputs;
    try (Stream<Path> folders = Files.list(fresh)) {
      inputs = folders.toList();
    }
    for (Path input : inputs) {
      Path place = at.resolve(fresh.relativize(input));
      if (place.equals(out) && Files.exists(out)) {
        continue;
      }
      Folders.delete(place);
      Files.move(input, place);
    }
    Folders.delete(fresh);
  }

  /** The result as it travels. */
  Path packed(JsonNode result) throws IOException {
    Path said = at.resolve("said");
    Files.createDirectories(said);
    Files.writeString(
        said.resolve(RemoteWorkplace.RESULT), result.toString(), StandardCharsets.UTF_8);
    Path zip = at.resolve("result.zip");
    PackedFolders.pack(Map.of("", said, PortableOrder.OUT, at.resolve(PortableOrder.OUT)), zip);
    return zip;
  }

  void remove() throws IOException {
    Folders.delete(at);
  }
}
