package io.stillhouse.server.rollout;

import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.RolloutTimings;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.RolloutService.GateRequest;
import io.stillhouse.server.service.RolloutService.RolloutRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** Turns what an operator asked for into terms that are checked, defaults filled in. */
final class RolloutRequests {
  /** Time in one phase after which a device is stalled; a download over a thin line fits in. */
  private static final Duration PHASE_DEADLINE = Duration.ofMinutes(10);

  /** Silence on trial after which a device counts as lost, at the least. */
  private static final Duration LOST_AFTER = Duration.ofMinutes(2);

  /** Heartbeats that a device on trial may miss: as many as make it lost at rest. */
  private static final int HEARTBEATS_MISSED_MAX = 10;

  private static final long SECONDS_MAX = 10_000_000;

  private final RolloutDefaults defaults;

  RolloutRequests(RolloutDefaults defaults) {
    this.defaults = defaults;
  }

  List<Integer> waves(RolloutRequest request) {
    return request.waves().orElse(defaults.waves());
  }

  RolloutTimings timings(RolloutRequest request) {
    return checked(
        () -> {
          Duration soak = seconds("soakSeconds", request.soakSeconds(), defaults.soak());
          Duration probation =
              seconds("probationSeconds", request.probationSeconds(), defaults.probation());
          // A deadline that was not asked for must not forbid a soak that was.
          Duration shortest = soak.plus(probation).multipliedBy(2).plusMinutes(1);
          Duration fallback =
              defaults.waveDeadline().compareTo(shortest) > 0 ? defaults.waveDeadline() : shortest;
          Duration deadline =
              seconds(
                  "waveDeadlineSeconds",
                  request.gate().map(GateRequest::waveDeadlineSeconds).orElse(OptionalLong.empty()),
                  fallback);
          // A way back is given as long as a wave: it is the same way for the devices.
          Duration rollbackDeadline = deadline;
          return new RolloutTimings(
              soak,
              probation,
              deadline,
              rollbackDeadline,
              new RolloutTimings.Patience(PHASE_DEADLINE, lostAfter(defaults.heartbeat())));
        });
  }

  static Duration lostAfter(Duration heartbeat) {
    Duration missed = heartbeat.multipliedBy(HEARTBEATS_MISSED_MAX);
    return missed.compareTo(LOST_AFTER) > 0 ? missed : LOST_AFTER;
  }

  GatePolicy gate(RolloutRequest request) {
    if (request.gate().isEmpty()) {
      return GatePolicy.DEFAULT;
    }
    GateRequest asked = request.gate().get();
    GatePolicy.Outcomes outcomes = GatePolicy.DEFAULT.outcomes();
    GatePolicy.Health health = GatePolicy.DEFAULT.health();
    return checked(
        () ->
            new GatePolicy(
                new GatePolicy.Outcomes(
                    asked.failureRateMax().orElse(outcomes.failureRateMax()),
                    or(asked.minSample(), outcomes.minSample()),
                    asked.passMin().orElse(outcomes.passMin()),
                    asked.reachedMin().orElse(outcomes.reachedMin()),
                    asked.settledMin().orElse(outcomes.settledMin())),
                new GatePolicy.Health(
                    asked.errorRateMax().orElse(health.errorRateMax()),
                    asked.accuracyDropMax().orElse(health.accuracyDropMax()),
                    or(asked.confidenceDropMax(), health.confidenceDropMax()),
                    or(asked.latencyP99GrowthMax(), health.latencyP99GrowthMax()),
                    new GatePolicy.Evidence(
                        asked.minInferences().orElse(health.evidence().minInferences()),
                        asked.minFeedback().orElse(health.evidence().minFeedback()),
                        asked.feedbackDemanded().orElse(health.evidence().feedbackDemanded())))));
  }

  /** Runs a construction whose refusal is the operator's to correct. */
  static <T> T checked(Supplier<T> construction) {
    try {
      return construction.get();
    } catch (IllegalArgumentException e) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot plan this rollout",
          Optional.ofNullable(e.getMessage()).orElse("a value is out of range"),
          "correct the request",
          e);
    }
  }

  private static Duration seconds(String name, OptionalLong asked, Duration fallback) {
    if (asked.isEmpty()) {
      return fallback;
    }
    if (asked.getAsLong() < 0 || asked.getAsLong() > SECONDS_MAX) {
      throw new IllegalArgumentException(
          "%s: %d (expected: 0 to %d)".formatted(name, asked.getAsLong(), SECONDS_MAX));
    }
    return Duration.ofSeconds(asked.getAsLong());
  }

  private static int or(OptionalInt asked, int fallback) {
    return asked.orElse(fallback);
  }

  private static OptionalDouble or(OptionalDouble asked, OptionalDouble fallback) {
    return asked.isPresent() ? asked : fallback;
  }
}
