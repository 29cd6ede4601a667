package io.stillhouse.server.service;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Rollouts. Pausing what is paused, resuming what runs and aborting what is ending change nothing
 * and are not errors. Methods block and throw {@link
 * io.stillhouse.server.failure.CoordinatorException}; implementations are thread-safe.
 */
public interface RolloutService {
  /** What a rollout would do, without doing it. */
  RolloutPreview plan(RolloutRequest request);

  /** Creates a rollout; the engine starts it. */
  RolloutView start(RolloutRequest request);

  /** The latest rollouts, newest first; of ended ones without waves that never opened. */
  List<RolloutView> list();

  RolloutView show(String rollout);

  RolloutView pause(String rollout);

  RolloutView resume(String rollout);

  RolloutView abort(String rollout);

  /** Digests that must not be offered to a hardware class. */
  List<QuarantineView> quarantine();

  /** The latest lines of the audit trail, newest first. */
  List<AuditView> audit(int limit);

  /**
   * A model version for the fleet; what is absent takes the coordinator's default.
   *
   * @param waves cumulative share of the devices after each wave, in percent, rising to 100
   */
  record RolloutRequest(
      String model,
      long version,
      Optional<List<Integer>> waves,
      OptionalLong soakSeconds,
      OptionalLong probationSeconds,
      Optional<GateRequest> gate) {}

  /** Limits of the gate; what is absent takes the coordinator's default. Shares are 0..1. */
  record GateRequest(
      OptionalDouble failureRateMax,
      OptionalInt minSample,
      OptionalDouble passMin,
      OptionalDouble reachedMin,
      OptionalDouble settledMin,
      OptionalDouble errorRateMax,
      OptionalDouble accuracyDropMax,
      OptionalDouble confidenceDropMax,
      OptionalDouble latencyP99GrowthMax,
      OptionalLong minInferences,
      OptionalLong minFeedback,
      Optional<Boolean> feedbackDemanded,
      OptionalLong waveDeadlineSeconds) {}

  /**
   * Who would get what.
   *
   * @param devices devices that get the new artifact
   * @param bytes to download over all devices
   * @param excluded why devices are left out, with counts
   * @param leftOut the first of those devices
   */
  record RolloutPreview(
      String model,
      long version,
      List<WavePreview> waves,
      int devices,
      long bytes,
      Map<String, Integer> excluded,
      List<LeftOutPreview> leftOut) {}

  /**
   * One wave of a plan.
   *
   * @param offline how many of its devices are not online now; they get their offer on return
   * @param targets the first of its devices
   */
  record WavePreview(
      int wave,
      int devices,
      int offline,
      Map<String, Integer> byHardwareClass,
      List<TargetPreview> targets) {}

  /** A device and the artifact that it would get. */
  record TargetPreview(String device, String hardwareClass, String artifact, boolean online) {}

  /** A device that would get nothing, and why. */
  record LeftOutPreview(String device, String why) {}

  /**
   * A rollout as it stands.
   *
   * @param status by name: PLANNED, RUNNING, PAUSED, ABORTING, ROLLING_BACK, ...
   * @param waitingFor one line: what has to happen next, and until when; empty in lists once it
   *     ended
   * @param reasons why it is paused or ended as it did
   */
  record RolloutView(
      String id,
      String model,
      long version,
      String status,
      int waveIndex,
      String waveStage,
      String waitingFor,
      List<String> reasons,
      Optional<String> deadline,
      String createdAt,
      String updatedAt,
      List<WaveView> waves) {}

  /**
   * The counts of one wave; rates divide by {@code attempted}.
   *
   * @param gate per hardware class, the numbers that the gate judges; empty before the wave opens
   */
  record WaveView(
      int wave,
      int assigned,
      int reached,
      int attempted,
      int succeeded,
      int failed,
      String verdict,
      List<GateView> gate) {}

  /** Evidence of one hardware class in one wave; what has not been measured is absent. */
  record GateView(
      String hardwareClass,
      String verdict,
      String reason,
      long inferences,
      long errors,
      OptionalDouble accuracy,
      OptionalDouble baselineAccuracy,
      OptionalLong latencyP99Micros,
      OptionalLong baselineLatencyP99Micros) {}

  record QuarantineView(
      String digest, String hardwareClass, String rollout, String reason, String since) {}

  record AuditView(long id, String at, String actor, String kind, String subject, String detail) {}
}
