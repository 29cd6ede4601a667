package io.stillhouse.lab.tailor;

import io.stillhouse.model.Precision;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Chooses which student to make for a class: the first that fits, in the order of the accuracy that
 * can be expected. Pure: no clock, no files, no training.
 */
final class TailorPlanner {
  private TailorPlanner() {}

  /**
   * The order of expected accuracy: more multiply-accumulates first, at equal ones float32 before
   * int8 and unpruned before pruned, and the key where even those agree.
   */
  static final Comparator<Estimate> BY_EXPECTED_ACCURACY =
      Comparator.<Estimate>comparingLong(e -> -e.cost().macs())
          .thenComparing(e -> e.candidate().precision() == Precision.INT8)
          .thenComparing(e -> e.candidate().pruneRatio())
          .thenComparing(e -> e.candidate().key());

  /**
   * What was decided for one class.
   *
   * @param chosen empty when nothing fits
   * @param rejected why, by candidate key, in the order in which candidates were looked at; those
   *     behind the chosen one are not in it
   */
  record Choice(Optional<Estimate> chosen, Map<String, String> rejected) {}

  /**
   * A budget that a finished student broke.
   *
   * @param inaccurate when it was the accuracy: then students that promise less are not made either
   */
  record Broken(String reason, boolean inaccurate) {}

  /**
   * Chooses for one class.
   *
   * @param broken candidates that were made and broke a budget when measured
   */
  static Choice choose(
      List<Estimate> estimates, HardwareProfile profile, Map<String, Broken> broken) {
    LatencyPredictor predictor = new LatencyPredictor(profile.probes());
    Map<String, String> rejected = new LinkedHashMap<>();
    Optional<Estimate> inaccurate = Optional.empty();
    for (Estimate estimate : estimates.stream().sorted(BY_EXPECTED_ACCURACY).toList()) {
      String key = estimate.candidate().key();
      String reason =
          estimate.prunesNothing()
              ? "pruned by %s it loses no channel, rounded to multiples of %d"
                  .formatted(estimate.candidate().pruneRatio(), CandidateSpace.ROUND_TO)
              : predicted(estimate, profile.limits(), predictor);
      if (broken.containsKey(key)) {
        reason = broken.get(key).reason();
        inaccurate = broken.get(key).inaccurate() ? Optional.of(estimate) : inaccurate;
      } else if (reason.isEmpty() && inaccurate.isPresent()) {
        reason =
            "promises less than %s, which is not accurate enough"
                .formatted(inaccurate.get().candidate().key());
      }
      if (reason.isEmpty()) {
        return new Choice(Optional.of(estimate), rejected);
      }
      rejected.put(key, reason);
    }
    return new Choice(Optional.empty(), rejected);
  }

  /** The first budget that the candidate is predicted to break, or an empty text. */
  private static String predicted(
      Estimate estimate, DeviceLimits limits, LatencyPredictor predictor) {
    if (limits.fileBytesMax() > 0 && estimate.fileBytes() > limits.fileBytesMax()) {
      return "file %d bytes > %d".formatted(estimate.fileBytes(), limits.fileBytesMax());
    }
    if (limits.memoryBytesMax() > 0 && estimate.memoryBytes() > limits.memoryBytesMax()) {
      return "predicted memory %d bytes > %d"
          .formatted(estimate.memoryBytes(), limits.memoryBytesMax());
    }
    long latencyMax = limits.latencyP99Max().toNanos() / 1_000;
    double latency = predictor.p99Micros(estimate.graph(), estimate.candidate().precision());
    if (latencyMax > 0 && latency > latencyMax) {
      return "predicted p99 %d us > %d us".formatted(Math.round(latency), latencyMax);
    }
    return "";
  }
}
