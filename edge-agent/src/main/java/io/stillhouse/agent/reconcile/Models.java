package io.stillhouse.agent.reconcile;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The bundles that this device holds, by role.
 *
 * @param committed what runs when nothing is on trial
 * @param fallback the one committed before it, kept for a rollback without a download
 * @param trial staged or on trial; may sit in the fallback's slot when a rollback returns to it
 */
public record Models(
    Optional<Installed> committed, Optional<Installed> fallback, Optional<Installed> trial) {
  public static final Models NONE =
      new Models(Optional.empty(), Optional.empty(), Optional.empty());

  /** The slots whose content must stay as it is. */
  public Set<Slot> slotsInUse() {
    EnumSet<Slot> slots = EnumSet.noneOf(Slot.class);
    Stream.of(committed, fallback, trial)
        .flatMap(Optional::stream)
        .forEach(m -> slots.add(m.slot()));
    return slots;
  }

  /** Where a new bundle may go: never the committed slot, never the fallback's. */
  public Slot freeSlot() {
    Set<Slot> kept = new Models(committed, fallback, Optional.empty()).slotsInUse();
    for (Slot slot : Slot.values()) {
      if (!kept.contains(slot)) {
        return slot;
      }
    }
    throw new IllegalStateException("two models cannot fill " + Slot.values().length + " slots");
  }

  /** The held bundle of this digest, whatever its role. */
  public Optional<Installed> holding(Digest digest) {
    return Stream.of(committed, fallback, trial)
        .flatMap(Optional::stream)
        .filter(m -> m.digest().equals(digest))
        .findFirst();
  }

  /** Whether the trial is the fallback: a model that was committed here before. */
  boolean returning() {
    return trial.isPresent() && fallback.filter(f -> f.slot() == trial.get().slot()).isPresent();
  }

  Models withTrial(Installed staged) {
    return new Models(committed, fallback, Optional.of(staged));
  }

  Models withoutTrial() {
    return new Models(committed, fallback, Optional.empty());
  }

  /** Drops a trial that failed, and with it a fallback that turned out to be the same bundle. */
  Models rejectTrial() {
    Optional<Installed> kept =
        fallback.filter(f -> trial.map(t -> t.slot() != f.slot()).orElse(true));
    return new Models(committed, kept, Optional.empty());
  }

  /** The trial becomes the committed model and the committed one its fallback. */
  Models promoteTrial() {
    Installed proven =
        trial.orElseThrow(() -> new IllegalStateException("nothing is on trial to be committed"));
    Optional<Installed> next =
        committed.isPresent() ? committed : fallback.filter(f -> f.slot() != proven.slot());
    return new Models(trial, next, Optional.empty());
  }

  /** No model is wanted: the committed one stops and is kept as the fallback. */
  Models withdraw() {
    return new Models(
        Optional.empty(), committed.isPresent() ? committed : fallback, Optional.empty());
  }
}
