package io.stillhouse.server.cli;

import io.stillhouse.server.service.RolloutService.GateRequest;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Limits of a rollout's gates; what is not given takes the coordinator's default. */
final class GateOptions {
  @Option(
      names = "--failure-rate-max",
      paramLabel = "X",
      description = "Largest share of devices that fail, 0..1.")
  private Optional<Double> failureRateMax = Optional.empty();

  @Option(
      names = "--min-sample",
      paramLabel = "N",
      description = "Devices needed before a rate may decide.")
  private Optional<Integer> minSample = Optional.empty();

  @Option(
      names = "--pass-min",
      paramLabel = "X",
      description = "Smallest share of tried devices that succeed, 0..1.")
  private Optional<Double> passMin = Optional.empty();

  @Option(
      names = "--reached-min",
      paramLabel = "X",
      description = "Share of a wave that must have acknowledged its offer, 0..1.")
  private Optional<Double> reachedMin = Optional.empty();

  @Option(
      names = "--settled-min",
      paramLabel = "X",
      description = "Share of the reached devices that must have settled, 0..1.")
  private Optional<Double> settledMin = Optional.empty();

  @Option(
      names = "--error-rate-max",
      paramLabel = "X",
      description = "Largest share of inferences that fail, 0..1.")
  private Optional<Double> errorRateMax = Optional.empty();

  @Option(
      names = "--accuracy-drop-max",
      paramLabel = "X",
      description = "Largest fall of live accuracy, 0.05 = five points.")
  private Optional<Double> accuracyDropMax = Optional.empty();

  @Option(
      names = "--confidence-drop-max",
      paramLabel = "X",
      description = "Largest fall of mean confidence, 0..1.")
  private Optional<Double> confidenceDropMax = Optional.empty();

  @Option(
      names = "--latency-p99-growth-max",
      paramLabel = "X",
      description = "Largest growth of p99 latency, 1.0 = it may double.")
  private Optional<Double> latencyP99GrowthMax = Optional.empty();

  @Option(
      names = "--min-inferences",
      paramLabel = "N",
      description = "Inferences per class needed to judge health; 0 demands no telemetry.")
  private Optional<Long> minInferences = Optional.empty();

  @Option(
      names = "--min-feedback",
      paramLabel = "N",
      description = "Labelled answers per class needed to judge accuracy.")
  private Optional<Long> minFeedback = Optional.empty();

  @Option(
      names = "--feedback-demanded",
      description = "A class with less feedback than that is inconclusive.")
  private boolean feedbackDemanded;

  @Option(
      names = "--wave-deadline",
      paramLabel = "SECONDS",
      description = "When a wave without a verdict pauses the rollout.")
  private Optional<Long> waveDeadlineSeconds = Optional.empty();

  /** Empty when nothing was given. */
  Optional<GateRequest> request() {
    boolean given =
        feedbackDemanded
            || Stream.of(
                    failureRateMax,
                    minSample,
                    passMin,
                    reachedMin,
                    settledMin,
                    errorRateMax,
                    accuracyDropMax,
                    confidenceDropMax,
                    latencyP99GrowthMax,
                    minInferences,
                    minFeedback,
                    waveDeadlineSeconds)
                .anyMatch(Optional::isPresent);
    return given
        ? Optional.of(
            new GateRequest(
                decimal(failureRateMax),
                minSample.map(OptionalInt::of).orElseGet(OptionalInt::empty),
                decimal(passMin),
                decimal(reachedMin),
                decimal(settledMin),
                decimal(errorRateMax),
                decimal(accuracyDropMax),
                decimal(confidenceDropMax),
                decimal(latencyP99GrowthMax),
                whole(minInferences),
                whole(minFeedback),
                feedbackDemanded ? Optional.of(true) : Optional.empty(),
                whole(waveDeadlineSeconds)))
        : Optional.empty();
  }

  private static OptionalDouble decimal(Optional<Double> given) {
    return given.map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }

  private static OptionalLong whole(Optional<Long> given) {
    return given.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }
}
