package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.DesiredState;
import java.time.Duration;

/**
 * A desired state to write. Whoever stores it must refuse the whole decision unless the device's
 * stored generation is exactly one less: then one generation never names two artifacts.
 *
 * @param probation time that the device watches the artifact before it commits
 */
public record DesiredChange(DesiredState state, Kind kind, Duration probation) {
  /** Which entry of {@link TargetFacts.Told} the change is recorded in. */
  public enum Kind {
    OFFER,
    RECALL
  }
}
