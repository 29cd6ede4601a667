package io.stillhouse.server.rollout;

import java.time.Duration;
import java.util.List;

/**
 * What a rollout does unless its request says otherwise.
 *
 * @param waves cumulative share of the devices after each wave, in percent, rising to 100
 * @param heartbeat how often devices say that they live
 */
public record RolloutDefaults(
    List<Integer> waves,
    Duration soak,
    Duration probation,
    Duration waveDeadline,
    Duration heartbeat) {
  public RolloutDefaults {
    waves = List.copyOf(waves);
  }
}
