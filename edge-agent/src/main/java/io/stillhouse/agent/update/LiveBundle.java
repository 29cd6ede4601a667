package io.stillhouse.agent.update;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.artifact.Slots;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.ModelRefusedException;
import io.stillhouse.agent.inference.Precision;
import io.stillhouse.agent.inference.Preprocessing;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the model host on the bundle that the journal names. Asking for what already runs costs
 * nothing. Not thread-safe: one updater owns it.
 */
final class LiveBundle {
  private static final Logger log = LoggerFactory.getLogger(LiveBundle.class);

  private final ModelHost host;
  private final Slots slots;
  private Optional<LoadedSlot> asked = Optional.empty();

  LiveBundle(ModelHost host, Slots slots) {
    this.host = host;
    this.slots = slots;
  }

  /**
   * Makes a bundle answer requests.
   *
   * @param why the wish under which it runs: telemetry is grouped by it
   * @throws ArtifactRefusedException when it cannot run; what ran before goes on
   */
  void run(Installed bundle, Desired why, boolean probation) throws ArtifactRefusedException {
    LoadedSlot slot;
    try {
      slot = describe(bundle, slots.plan(bundle), why, probation);
    } catch (IOException e) {
      throw refused("its slot cannot be read: " + e.getMessage());
    }
    if (asked.equals(Optional.of(slot))) {
      return;
    }
    try {
      host.activate(slot);
    } catch (ModelRefusedException e) {
      throw refused(String.valueOf(e.getMessage()));
    }
    asked = Optional.of(slot);
  }

  /** The committed model answers; its fallback, when it cannot; nothing, when there is none. */
  void runCommitted(UpdateState state) {
    Optional<Installed> committed = state.models().committed();
    if (committed.isEmpty()) {
      stop();
      return;
    }
    try {
      run(committed.get(), state.desired(), false);
    } catch (ArtifactRefusedException e) {
      log.error("the committed model does not run: {}", e.getMessage());
      runFallback(state);
    }
  }

  private void runFallback(UpdateState state) {
    Optional<Installed> fallback = state.models().fallback();
    if (fallback.isEmpty()) {
      return;
    }
    try {
      run(fallback.get(), state.desired(), false);
      log.warn("the fallback {} answers instead", fallback.get().digest().shortForm());
    } catch (ArtifactRefusedException e) {
      log.error("the fallback does not run either: {}", e.getMessage());
    }
  }

  /** Lets nothing answer requests. */
  void stop() {
    if (asked.isPresent() || host.live().isPresent()) {
      host.deactivate();
      asked = Optional.empty();
    }
  }

  /** What really answers requests. */
  Optional<Digest> running() {
    return host.live().map(LoadedSlot::digest).map(Digest::new);
  }

  private LoadedSlot describe(Installed bundle, BundlePlan plan, Desired why, boolean probation) {
    FilePlan model = plan.file(BundlePlan.MODEL);
    BundlePlan.ModelFacts facts = plan.facts();
    return new LoadedSlot(
        bundle.digest().sha256Hex(),
        new LoadedSlot.ModelFile(
            slots.path(bundle.slot()).resolve(model.name()), model.sha256Hex()),
        new LoadedSlot.ModelCard(
            plan.release().model(),
            plan.release().version(),
            facts.labels(),
            new Preprocessing(
                facts.input().channels(),
                facts.input().height(),
                facts.input().width(),
                facts.normalisation().mean(),
                facts.normalisation().std()),
            Precision.valueOf(facts.precision().toUpperCase(Locale.ROOT))),
        new LoadedSlot.Placement(why.rolloutId(), why.wave(), plan.terms().hardwareClass()),
        probation);
  }

  private static ArtifactRefusedException refused(String detail) {
    return new ArtifactRefusedException(
        Refusal.permanent(RefusalReason.SELF_TEST, "it cannot be activated: " + detail));
  }
}
