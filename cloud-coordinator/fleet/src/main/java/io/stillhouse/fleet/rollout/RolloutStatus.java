package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Where a rollout stands; the only thing about it that changes.
 *
 * @param version rises by one with every change; writers compare and swap on it
 * @param wave the wave in hand; empty before the first opens
 * @param closed verdicts of the waves that have closed, in order
 */
public record RolloutStatus(
    long version,
    RolloutPhase phase,
    Optional<WaveCursor> wave,
    List<WaveResult> closed,
    Attention attention) {
  public RolloutStatus {
    closed = List.copyOf(closed);
  }

  /** The status of a plan that has touched nothing yet. */
  public static RolloutStatus planned(Instant now) {
    return new RolloutStatus(
        0,
        RolloutPhase.PLANNED,
        Optional.empty(),
        List.of(),
        new Attention(now, Optional.of(now), List.of(), List.of()));
  }

  /**
   * The wave in hand.
   *
   * @param openedAt when its devices were offered the artifact
   * @param stageSince when its stage began
   */
  public record WaveCursor(int index, WaveStage stage, Instant openedAt, Instant stageSince) {}

  /** How a wave closed; recorded once and never changed. */
  public record WaveResult(int index, WaveJudgement judgement, Instant at) {}

  /**
   * What people need to know.
   *
   * @param phaseSince when the phase began
   * @param deadline when the engine will act if nothing else happens; empty only in a phase that is
   *     terminal or that states its reason
   * @param reasons why it is paused, or ended as it did
   * @param devices devices by name: those that have not come back from a failed rollout, or the
   *     tail of one that succeeded
   */
  public record Attention(
      Instant phaseSince,
      Optional<Instant> deadline,
      List<Reason> reasons,
      List<DeviceId> devices) {
    public Attention {
      reasons = List.copyOf(reasons);
      devices = List.copyOf(devices);
    }
  }

  /** One line of explanation with its kind. */
  public record Reason(Kind kind, String text) {
    /** Who or what caused it. */
    public enum Kind {
      OPERATOR,
      GATE_INCONCLUSIVE,
      GATE_FAILED,
      DEVICES_MISSING,
      TAIL_STOPPED,
      SUPERSEDED
    }
  }
}
