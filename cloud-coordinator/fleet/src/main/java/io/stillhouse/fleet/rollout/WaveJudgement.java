package io.stillhouse.fleet.rollout;

import io.stillhouse.model.profile.HardwareClass;
import java.util.List;
import java.util.Map;

/**
 * A gate's view of a wave, with the evidence it rests on.
 *
 * @param aside members left out of the counts, by why
 * @param settled enough devices were reached and have settled for the soak to begin
 */
public record WaveJudgement(
    Verdict verdict,
    WaveCounts counts,
    Map<Outcome, Integer> aside,
    boolean settled,
    List<ClassJudgement> classes) {
  public WaveJudgement {
    aside = Map.copyOf(aside);
    classes = List.copyOf(classes);
  }

  /** The same for the devices of one hardware class. */
  public record ClassJudgement(
      HardwareClass hardwareClass, Verdict verdict, WaveCounts counts, ClassHealth health) {}

  /** The same evidence under another verdict. */
  WaveJudgement as(Verdict other) {
    return new WaveJudgement(other, counts, aside, settled, classes);
  }
}
