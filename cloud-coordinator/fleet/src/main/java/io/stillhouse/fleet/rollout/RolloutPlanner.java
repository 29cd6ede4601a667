package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.device.Liveness;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides who takes part in a rollout and in which wave, before anything happens. A pure function:
 * the preview that people see and the plan that is stored are one and the same.
 */
public final class RolloutPlanner {
  private RolloutPlanner() {}

  /**
   * A device that might take part.
   *
   * @param wanted the artifact it should run now
   * @param origin where it stands; when {@code wanted} comes from a rollout that has not ended, the
   *     fallback must be that rollout's fallback for the device, not an artifact still in doubt
   */
  public record Candidate(
      Device device, Liveness liveness, Optional<Digest> wanted, RolloutTarget.Origin origin) {}

  /**
   * What may be sent.
   *
   * @param variants artifact per hardware class
   * @param quarantined classes whose variant is under quarantine
   */
  public record Offer(Map<HardwareClass, Digest> variants, Set<HardwareClass> quarantined) {
    public Offer {
      variants = Map.copyOf(variants);
      quarantined = Set.copyOf(quarantined);
    }
  }

  /** Why a device takes no part. */
  public enum Exclusion {
    ALREADY_SATISFIED,
    /** What an unfinished rollout would return it to; aborting that one is the way back. */
    FALLBACK_OF_UNFINISHED_ROLLOUT,
    NO_VARIANT,
    QUARANTINED,
    REVOKED
  }

  /**
   * A plan, or the preview of one.
   *
   * @param targets by wave, then by device; empty when there is nothing to do
   * @param excluded devices that take no part, by device
   * @param offline targets that are not online now; they get their offer when they return
   */
  public record Plan(
      List<RolloutTarget> targets, Map<DeviceId, Exclusion> excluded, List<DeviceId> offline) {
    public Plan {
      targets = List.copyOf(targets);
      excluded = Map.copyOf(excluded);
      offline = List.copyOf(offline);
    }
  }

  /**
   * Makes a plan. Equal arguments give an equal plan, whatever the order of the candidates.
   *
   * @param id seeds the draw, so that the same devices are not every rollout's canaries
   * @param percents cumulative share of the devices after each wave, rising to 100
   */
  public static Plan plan(
      RolloutId id, List<Integer> percents, List<Candidate> candidates, Offer offer) {
    Map<DeviceId, Exclusion> excluded = new LinkedHashMap<>();
    Map<DeviceId, Candidate> included = new LinkedHashMap<>();
    for (Candidate candidate : candidates) {
      DeviceId device = candidate.device().id();
      Optional<Exclusion> why = exclusion(candidate, offer);
      why.ifPresent(w -> excluded.put(device, w));
      if (why.isEmpty() && included.put(device, candidate) != null) {
        throw new IllegalArgumentException(
            "candidates: " + device + " twice (expected: each device once)");
      }
    }
    Map<DeviceId, Integer> waves =
        WaveDraw.draw(id, percents, included.values().stream().map(Candidate::device).toList());
    List<RolloutTarget> targets = new ArrayList<>();
    List<DeviceId> offline = new ArrayList<>();
    // WaveDraw answers in the order of waves, which makes the plan independent of the input's
    // order.
    waves.forEach(
        (device, wave) -> {
          Candidate candidate = included.get(device);
          if (candidate == null) {
            throw new IllegalStateException("drawn without being a candidate: " + device);
          }
          HardwareClass hardwareClass = candidate.device().hardwareClass();
          Digest artifact = offer.variants().get(hardwareClass);
          if (artifact == null) {
            throw new IllegalStateException("included without a variant: " + device);
          }
          targets.add(new RolloutTarget(device, hardwareClass, wave, artifact, candidate.origin()));
          if (candidate.liveness() != Liveness.ONLINE) {
            offline.add(device);
          }
        });
    return new Plan(targets, excluded, offline);
  }

  private static Optional<Exclusion> exclusion(Candidate candidate, Offer offer) {
    HardwareClass hardwareClass = candidate.device().hardwareClass();
    Digest variant = offer.variants().get(hardwareClass);
    if (candidate.device().revoked()) {
      return Optional.of(Exclusion.REVOKED);
    }
    if (variant == null) {
      return Optional.of(Exclusion.NO_VARIANT);
    }
    if (offer.quarantined().contains(hardwareClass)) {
      return Optional.of(Exclusion.QUARANTINED);
    }
    if (candidate.wanted().filter(variant::equals).isPresent()) {
      return Optional.of(Exclusion.ALREADY_SATISFIED);
    }
    if (candidate.origin().fallback().filter(variant::equals).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        candidate.wanted().isPresent()
            ? Exclusion.FALLBACK_OF_UNFINISHED_ROLLOUT
            : Exclusion.ALREADY_SATISFIED);
  }
}
