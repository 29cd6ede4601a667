package io.stillhouse.agent.reconcile;

import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** Everything the journal holds: what is wanted, how far it has come, what is held and known. */
public record UpdateState(
    Desired desired, Progress progress, Models models, Evidence evidence, Memory memory) {
  /** A device that has never heard of a coordinator. */
  public static final UpdateState FRESH =
      new UpdateState(
          Desired.NOTHING, Progress.first(Phase.IDLE), Models.NONE, Evidence.NONE, Memory.EMPTY);

  public Phase phase() {
    return progress.phase();
  }

  /**
   * The bundle that answers requests in this state. Only probation runs the trial: a self-test
   * happens in another process.
   */
  public Optional<Installed> live() {
    return phase() == Phase.PROBATION ? models.trial() : models.committed();
  }

  /**
   * The state of a device whose journal cannot be read: it runs the best bundle that verifies and
   * waits to be told again what is wanted. Floors are rebuilt from what is held, so they never
   * exceed the fallback's release.
   */
  public static UpdateState recovered(Optional<Installed> best, Optional<Installed> second) {
    Models models = new Models(best, second, Optional.empty());
    return FRESH.with(models).with(Memory.EMPTY.committing(models));
  }

  /**
   * The state under an identity that has just been given: what answers goes on to answer, and every
   * wish, grudge and floor of the former one is forgotten. Its generations say nothing about those
   * of the new identity, which begin at 1.
   */
  public UpdateState underNewIdentity() {
    return recovered(models.committed(), models.fallback());
  }

  /**
   * The state after held bundles were found damaged on disk. A lost committed model is replaced by
   * its fallback, and the wish is forgotten, so that the coordinator's next word heals the device.
   *
   * @return this very state when nothing is lost
   */
  public UpdateState losing(Set<Slot> damaged) {
    Predicate<Installed> whole = m -> !damaged.contains(m.slot());
    Models left =
        new Models(
            models.committed().filter(whole),
            models.fallback().filter(whole),
            models.trial().filter(whole));
    if (left.equals(models)) {
      return this;
    }
    if (left.committed().isEmpty() && models.committed().isPresent()) {
      Models healed = new Models(left.fallback(), Optional.empty(), Optional.empty());
      return new UpdateState(
          Desired.NOTHING, Progress.first(Phase.IDLE), healed, Evidence.NONE, memory);
    }
    if (left.trial().isEmpty() && models.trial().isPresent()) {
      return new UpdateState(
          desired, progress.again(Phase.OFFERED), left.withoutTrial(), Evidence.NONE, memory);
    }
    return with(left);
  }

  UpdateState at(Phase next) {
    return with(progress.at(next));
  }

  UpdateState with(Progress next) {
    return new UpdateState(desired, next, models, evidence, memory);
  }

  UpdateState with(Models next) {
    return new UpdateState(desired, progress, next, evidence, memory);
  }

  UpdateState with(Evidence next) {
    return new UpdateState(desired, progress, models, next, memory);
  }

  UpdateState with(Memory next) {
    return new UpdateState(desired, progress, models, evidence, next);
  }
}
