package io.stillhouse.server.service;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Models, their versions and their variants. Long work becomes a job and returns at once. Methods
 * block and throw {@link io.stillhouse.server.failure.CoordinatorException}; implementations are
 * thread-safe.
 */
public interface ModelService {
  /** Adds a version and queues the training of its teacher. */
  VersionAccepted train(TrainRequest request);

  /** Every model with its versions. */
  List<ModelView> list();

  ModelView show(String model);

  /** Queues the making of a variant for each hardware class. */
  JobAccepted tailor(String model, long version, TailorRequest request);

  /**
   * Adds a version whose variants are this version's, harmed on purpose: golden outputs agree,
   * accuracy collapses. What a fleet's gates are rehearsed with; flagged as a rehearsal.
   */
  VersionAccepted rehearseHarm(String model, long version);

  /** The variants of a version, by hardware class. */
  List<VariantView> variants(String model, long version);

  /** What the latest tailoring of each hardware class decided, by class. */
  List<TailoringView> tailoring(String model, long version);

  /**
   * A teacher to train; what is absent takes the coordinator's default.
   *
   * @param name lower-case letters, digits and hyphens
   * @param data a data SPEC, e.g. {@code builtin:fashion-mnist-12k}
   */
  record TrainRequest(
      String name,
      String data,
      Optional<String> network,
      OptionalDouble width,
      OptionalInt epochs,
      OptionalLong seed) {}

  /**
   * What the students must satisfy.
   *
   * @param accuracyDropMax absolute, 0.01 = one point
   * @param hardwareClasses every class of the enrolled devices when absent
   */
  record TailorRequest(OptionalDouble accuracyDropMax, Optional<List<String>> hardwareClasses) {}

  record VersionAccepted(String model, long version, String jobId) {}

  record JobAccepted(String jobId) {}

  record ModelView(String name, List<VersionView> versions) {}

  /**
   * One version of a model.
   *
   * @param state {@code TRAINING}, {@code READY} or {@code FAILED}
   * @param rehearsalOf the version that this one harms on purpose
   * @param report the lab's report about the teacher
   */
  record VersionView(
      long version,
      String state,
      OptionalLong rehearsalOf,
      String data,
      String network,
      double width,
      int epochs,
      long seed,
      String createdAt,
      int variants,
      Optional<Object> report) {}

  /**
   * The artifact of one hardware class.
   *
   * @param digest of the signed manifest
   * @param evaluation the lab's measurements: accuracy, params, macs, fileBytes, wireBytes,
   *     latencyP50Micros, ...
   */
  record VariantView(
      String hardwareClass,
      String digest,
      long releaseCounter,
      String network,
      String precision,
      long fileBytes,
      Object evaluation) {}

  /**
   * What tailoring decided for one hardware class.
   *
   * @param at ISO-8601, UTC
   * @param student the one that was made; absent when no candidate fits
   * @param rejected the other candidates, those that promise most first
   * @param leftOut how many more were rejected than are kept
   */
  record TailoringView(
      String hardwareClass,
      String at,
      Optional<String> student,
      List<RejectionView> rejected,
      int leftOut) {}

  /** A candidate that was not chosen: what it promised on a device of the class, and why not. */
  record RejectionView(
      String student, long fileBytes, long memoryBytes, long latencyP99Micros, String reason) {}
}
