package io.stillhouse.agent.inference;

import java.nio.file.Path;
import java.util.List;

/**
 * A slot of the artifact store whose signature and digests hold, ready to be activated.
 *
 * @param digest the artifact's digest: SHA-256 of the manifest's canonical bytes, lower-case hex
 * @param probation true while the slot is on probation, false once it is committed
 */
public record LoadedSlot(
    String digest, ModelFile file, ModelCard card, Placement placement, boolean probation) {

  /**
   * Where the network is.
   *
   * @param sha256 digest that the manifest gives for this file, lower-case hex; the host checks it
   *     against the very bytes that it loads, so a file that changes under it is never run
   */
  public record ModelFile(Path path, String sha256) {}

  /** What the network is, as its manifest says. */
  public record ModelCard(
      String model,
      long version,
      List<String> labels,
      Preprocessing preprocessing,
      Precision precision) {
    public ModelCard {
      labels = List.copyOf(labels);
    }
  }

  /** Why this device runs it: what telemetry is grouped by. */
  public record Placement(String rolloutId, int wave, String hardwareClass) {}

  /** The same slot once it is trusted; activating it again only splits the counts. */
  public LoadedSlot committed() {
    return new LoadedSlot(digest, file, card, placement, false);
  }
}
