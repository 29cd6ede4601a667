package io.stillhouse.fleet.rollout;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.RolloutStatus.WaveCursor;
import io.stillhouse.fleet.rollout.RolloutStatus.WaveResult;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A rollout as people look at it; derived, never stored.
 *
 * @param waitingFor one line: what has to happen next, and until when
 * @param waves one entry per wave of the plan: closed ones as they were recorded, the wave in hand
 *     as it stands, and counts of members only for those to come
 * @param outcomes of every target, in plan order
 */
public record RolloutStanding(
    String waitingFor, List<WaveView> waves, Map<DeviceId, Outcome> outcomes) {
  public RolloutStanding {
    waves = List.copyOf(waves);
  }

  /**
   * One wave.
   *
   * @param stage empty before it opens
   */
  public record WaveView(int index, Optional<WaveStage> stage, WaveJudgement judgement) {}

  /** Describes a rollout from the same arguments as {@link RolloutPolicy#decide}. */
  public static RolloutStanding of(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now) {
    TargetProgress progress = new TargetProgress(spec, facts, now);
    // In plan order, because lists of devices are shown in this order.
    Map<DeviceId, Outcome> outcomes = new LinkedHashMap<>();
    spec.targets().forEach(t -> outcomes.put(t.device(), progress.of(t)));
    List<WaveView> waves = new ArrayList<>();
    for (int index = 0; index < spec.waves(); index++) {
      waves.add(view(spec, status, facts, now, index));
    }
    return new RolloutStanding(waitingFor(spec, status, waves, outcomes), waves, outcomes);
  }

  private static WaveView view(
      RolloutSpec spec, RolloutStatus status, RolloutFacts facts, Instant now, int index) {
    for (WaveResult result : status.closed()) {
      if (result.index() == index) {
        return new WaveView(index, Optional.of(WaveStage.CLOSED), result.judgement());
      }
    }
    Optional<WaveStage> stage =
        status.wave().filter(w -> w.index() == index).map(WaveCursor::stage);
    return new WaveView(index, stage, new WaveGate(spec, facts, now).judge(index));
  }

  private static String waitingFor(
      RolloutSpec spec,
      RolloutStatus status,
      List<WaveView> waves,
      Map<DeviceId, Outcome> outcomes) {
    String until = status.attention().deadline().map(d -> ", until " + d).orElse("");
    return switch (status.phase()) {
      case PLANNED -> "the engine to open wave 1";
      case RUNNING ->
          status
              .wave()
              .map(w -> running(spec, w, waves.get(w.index()), outcomes) + until)
              .orElse("the engine to open wave 1");
      case PAUSED -> "an operator to resume or abort";
      case ABORTING -> "the engine to tell touched devices to return";
      case ROLLING_BACK -> "touched devices to run their fallback" + until;
      case ROLLBACK_INCOMPLETE ->
          "these devices to run their fallback: " + Names.of(status.attention().devices());
      case SUCCEEDED_WITH_TAIL ->
          "these devices to settle: " + Names.of(status.attention().devices());
      case ROLLED_BACK, SUCCEEDED, SUPERSEDED, CANCELLED -> "nothing";
    };
  }

  private static String running(
      RolloutSpec spec, WaveCursor wave, WaveView view, Map<DeviceId, Outcome> outcomes) {
    String name = "wave " + (wave.index() + 1) + " of " + spec.waves() + ": ";
    return name
        + switch (wave.stage()) {
          case OPEN -> settling(spec, wave, view, outcomes);
          case SOAKING -> "soak to elapse at " + wave.stageSince().plus(spec.timings().soak());
          case ANALYSING -> "gate to pass: " + view.judgement().verdict().reason();
          case CLOSED -> "the engine to go on";
        };
  }

  private static String settling(
      RolloutSpec spec, WaveCursor wave, WaveView view, Map<DeviceId, Outcome> outcomes) {
    List<DeviceId> open =
        spec.wave(wave.index()).stream()
            .map(RolloutTarget::device)
            .filter(d -> !outcomes.getOrDefault(d, Outcome.NOT_OFFERED).settled())
            .toList();
    String aside =
        view.judgement().aside().entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(e -> ", " + e.getValue() + " " + e.getKey())
            .collect(Collectors.joining());
    WaveCounts counts = view.judgement().counts();
    return "devices to settle: %s (%d assigned, %d reached, %d attempted%s)"
        .formatted(Names.of(open), counts.assigned(), counts.reached(), counts.attempted(), aside);
  }
}
