package io.stillhouse.fleet.desired;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import java.util.Optional;

/** One statement of a device about itself, as it came off the wire. Delivered at least once. */
public record Report(
    DeviceId device, Mark mark, Standing standing, Models models, Explanation explanation) {
  /**
   * Orders and de-duplicates one device's statements.
   *
   * @param bootId fresh at each start of the agent
   * @param seq rises by at least one within a boot
   */
  public record Mark(String bootId, long seq) {}

  /** Which try at which generation is at which point. */
  public record Standing(long generation, int attempt, Phase phase) {}

  /** Digests by role; empty means none. {@code artifact} is the one the phase is about. */
  public record Models(
      Optional<Digest> artifact, Optional<Digest> running, Optional<Digest> committed) {}

  /**
   * For people.
   *
   * @param refusal name of the wire's refusal reason; empty string when there is none
   * @param detail one line: what, why, what next
   */
  public record Explanation(String refusal, String detail) {
    public static final Explanation NONE = new Explanation("", "");
  }
}
