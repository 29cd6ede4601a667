package io.stillhouse.agent.update;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.ArtifactSource;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.ManifestVerifier;
import io.stillhouse.agent.artifact.SignedBytes;
import io.stillhouse.agent.artifact.Slots;
import io.stillhouse.agent.artifact.Staging;
import io.stillhouse.agent.health.Trials;
import io.stillhouse.agent.health.Verdict;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.reconcile.Backoff;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Observation;
import io.stillhouse.agent.reconcile.Observation.Kind;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.Task;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.UpdateMachine;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does the work of each phase and records what came of it. Every step follows one order: take the
 * newest wish, let the right model run, do the phase's work, ask {@link UpdateMachine} what that
 * means, write the journal, and only then go on. So a kill between any two operations repeats work.
 *
 * <p>{@link #boot} and {@link #step} belong to one thread. {@link #wish}, {@link #wake}, {@link
 * #stop} and {@link #state} may be called from any. No thread is interrupted: an interrupt would
 * close the files that this one writes.
 */
public final class Updater {
  private static final Logger log = LoggerFactory.getLogger(Updater.class);

  /** How often a probation is looked at. */
  private static final Duration PROBATION_POLL = Duration.ofMillis(200);

  /** Until something wakes it; the bound guards against a lost wake-up only. */
  private static final Duration REST = Duration.ofMinutes(1);

  /** Before a journal that could not be written is tried again. */
  private static final Duration DISK_TROUBLE = Duration.ofSeconds(2);

  private static final Backoff RETRY = new Backoff(Duration.ofSeconds(2), Duration.ofMinutes(5));

  private final Store store;
  private final Ports ports;
  private final Timing timing;
  private final LiveBundle live;
  private final AtomicReference<@Nullable Desired> wished = new AtomicReference<>();
  private final Bell bell = new Bell();
  private volatile boolean stopping;
  private volatile UpdateState state = UpdateState.FRESH;
  private boolean onRecord = true;
  private boolean diskRefused;
  private Trials.@Nullable Watch watch;
  private Verdict.@Nullable Fail harm;
  private long retryAtNanos;
  private boolean retryArmed;

  /** The durable half. */
  public record Store(Journal journal, Slots slots, Staging staging) {}

  /**
   * What the updater works with.
   *
   * @param verifier the one of the moment: the device's class may change with a Welcome
   */
  public record Ports(
      ArtifactSource source,
      Supplier<ManifestVerifier> verifier,
      Trials trials,
      ModelHost host,
      UpdateListener listener) {}

  /** Monotonic nanoseconds and chance. */
  public record Timing(LongSupplier nanoTicker, RandomGenerator random) {}

  public Updater(Store store, Ports ports, Timing timing) {
    this.store = store;
    this.ports = ports;
    this.timing = timing;
    this.live = new LiveBundle(ports.host(), store.slots());
  }

  /** The state on record. */
  public UpdateState state() {
    return state;
  }

  /** What answers requests now. */
  public Optional<Digest> running() {
    return live.running();
  }

  /** Names what is wanted. A newer wish ends the work on an older one. */
  public void wish(Desired desired) {
    wished.accumulateAndGet(
        desired, (old, next) -> old != null && old.generation() >= next.generation() ? old : next);
    wake();
  }

  /** Lets a waiting updater look around: the link is up, for instance. */
  public void wake() {
    bell.ring();
  }

  /** Asks for an end: work under way is abandoned at its next chance. */
  public void stop() {
    stopping = true;
    wake();
  }

  /** Whether the work under way is no longer wanted. Any thread may ask. */
  public boolean abandoned() {
    if (stopping) {
      return true;
    }
    Desired next = wished.get();
    return next != null && next.generation() > state.desired().generation();
  }

  /** Runs until {@link #stop}; {@link #boot} comes first. */
  public void run() throws InterruptedException {
    while (!stopping) {
      bell.await(step());
    }
    try {
      record(UpdateMachine.next(state, Observation.of(Kind.STOPPING)));
    } catch (JournalException e) {
      log.warn("the stop is not noted: {}", e.getMessage());
    }
  }

  /**
   * Finds out where the last run ended and lets the right model answer, whatever the disk says: a
   * journal that cannot be written keeps new work from beginning, and nothing else.
   */
  public void boot() {
    Journal.Loaded loaded = store.journal().load();
    if (!loaded.damage().isEmpty()) {
      log.warn("INCONSISTENT: {}; the newest bundle that verifies is used", loaded.damage());
    }
    UpdateState found =
        loaded.state().orElseGet(() -> store.slots().recover(ports.verifier().get()));
    Set<io.stillhouse.agent.reconcile.Slot> damaged = store.slots().damaged(found.models());
    if (!damaged.isEmpty()) {
      log.warn("INCONSISTENT: the bundles in slots {} are damaged and no longer used", damaged);
    }
    UpdateState next = UpdateMachine.next(found.losing(damaged), Observation.of(Kind.BOOTED));
    state = next;
    onRecord = loaded.state().equals(Optional.of(next));
    if (!onRecord) {
      try {
        save(next);
      } catch (JournalException e) {
        tell(e);
      }
    }
    live.runCommitted(state);
    ports.listener().recorded(state, live.running());
  }

  /**
   * One step of work.
   *
   * @return how long nothing needs to be done, unless {@link #wake} is called
   */
  public Duration step() {
    ports.listener().lookedAround();
    try {
      if (!onRecord) {
        save(state);
      }
      Desired wish = wished.get();
      if (wish != null) {
        record(UpdateMachine.next(state, Observation.desired(wish)));
        wished.compareAndSet(wish, null);
      }
      return work();
    } catch (InterruptedException e) {
      // Abandoned, not interrupted: the next step sees why.
      return Duration.ZERO;
    } catch (JournalException e) {
      tell(e);
      if (watch != null) {
        stopHarm(watch);
      }
      return DISK_TROUBLE;
    }
  }

  /** Once for each time of trouble: a log that grows does not help a full disk. */
  private void tell(JournalException e) {
    if (!diskRefused) {
      diskRefused = true;
      log.warn(
          "{}; what runs goes on, and nothing new begins before it can be. Free some space",
          e.getMessage());
    }
  }

  /** A step could not be recorded: it has not happened, and is tried again. */
  private static final class JournalException extends Exception {
    @java.io.Serial private static final long serialVersionUID = 1L;

    JournalException(IOException cause) {
      super("the journal cannot be written: " + cause.getMessage(), cause);
    }
  }

  private Duration work() throws JournalException, InterruptedException {
    try {
      return switch (Task.of(state.phase())) {
        case REST -> REST;
        case WAIT -> waitForRetry();
        case CHECK_OFFER -> ports.source().connected() ? checkOffer() : holdOn();
        case DOWNLOAD -> ports.source().connected() ? download() : holdOn();
        case VERIFY -> verify();
        case BEGIN_TRIAL -> beginTrial();
        case RUN_SELF_TEST -> selfTest();
        case WATCH_TRIAL -> watchTrial();
        case RESTORE -> restore();
      };
    } catch (ArtifactRefusedException e) {
      if (abandoned()) {
        return Duration.ZERO;
      }
      log.info("refused: {}", e.getMessage());
      return observe(Observation.refused(e.refusal()));
    } catch (IOException e) {
      // Something that was on disk a moment ago is not readable any more.
      log.warn("the disk failed: {}", e.getMessage());
      return observe(
          Observation.refused(
              Refusal.passing(
                  RefusalReason.TRUNCATED, "a bundle cannot be read back: " + e.getMessage())));
    }
  }

  /** Offline is no failure: nothing is counted and no flash is worn. */
  private Duration holdOn() throws IOException, JournalException {
    return state.phase() == Phase.OFFERED ? heldOffer(wanted()).orElse(REST) : REST;
  }

  private Optional<Duration> heldOffer(Digest digest) throws IOException, JournalException {
    Optional<Installed> held = store.slots().find(digest);
    if (held.isEmpty()) {
      return Optional.empty();
    }
    try {
      ports
          .verifier()
          .get()
          .held(store.slots().manifest(held.get().slot()), digest, state.memory());
    } catch (ArtifactRefusedException e) {
      return Optional.of(observe(Observation.refused(e.refusal())));
    }
    return Optional.of(observe(Observation.of(Kind.HELD)));
  }

  private Duration checkOffer()
      throws ArtifactRefusedException, IOException, JournalException, InterruptedException {
    Digest wanted = wanted();
    Optional<Duration> held = heldOffer(wanted);
    if (held.isPresent()) {
      return held.get();
    }
    SignedBytes signed = ports.source().manifest(wanted);
    BundlePlan plan = ports.verifier().get().accept(signed, wanted, state.memory());
    store.staging().begin(signed, plan, state.models());
    store.journal().raiseTimeFloor(Instant.ofEpochMilli(plan.terms().createdEpochMillis()));
    return observe(Observation.of(Kind.ACCEPTED));
  }

  private Duration download()
      throws ArtifactRefusedException, IOException, JournalException, InterruptedException {
    BundlePlan plan = store.staging().plan(wanted());
    store.staging().fill(plan, ports.source(), this::keepGoing);
    return observe(Observation.of(Kind.DOWNLOADED));
  }

  private void keepGoing(int chunkBytes) throws InterruptedException {
    if (abandoned()) {
      throw new InterruptedException("superseded after a chunk of " + chunkBytes + " bytes");
    }
  }

  private Duration verify() throws ArtifactRefusedException, IOException, JournalException {
    Digest wanted = wanted();
    ManifestVerifier verifier = ports.verifier().get();
    if (store.staging().has(wanted)) {
      BundlePlan plan = verifier.held(store.staging().manifest(wanted), wanted, state.memory());
      return observe(Observation.verified(store.staging().verifyAndInstall(plan, state.models())));
    }
    // A fallback, or a bundle that was installed just before a cut.
    Installed held =
        store
            .slots()
            .find(wanted)
            .orElseThrow(
                () ->
                    new ArtifactRefusedException(
                        Refusal.passing(
                            RefusalReason.TRUNCATED, "the bundle is no longer on this disk")));
    verifier.held(store.slots().manifest(held.slot()), wanted, state.memory());
    return observe(Observation.verified(held));
  }

  private Duration beginTrial() throws ArtifactRefusedException, IOException, JournalException {
    store.slots().verify(trial());
    return observe(Observation.of(Kind.TRIAL_BEGUN));
  }

  private Duration selfTest()
      throws ArtifactRefusedException, IOException, JournalException, InterruptedException {
    Installed trial = trial();
    BundlePlan plan = store.slots().plan(trial);
    TestFigures figures = ports.trials().selfTest(store.slots().path(trial.slot()), plan);
    if (abandoned()) {
      return Duration.ZERO;
    }
    return observe(
        figures.passed()
            ? Observation.tested(figures)
            : Observation.refused(
                Refusal.permanent(RefusalReason.SELF_TEST, figures.failure()),
                Optional.of(figures)));
  }

  private Duration watchTrial() throws ArtifactRefusedException, IOException, JournalException {
    Installed trial = trial();
    if (watch == null) {
      live.run(trial, state.desired(), true);
      ports.listener().recorded(state, live.running());
      watch =
          ports
              .trials()
              .watch(
                  store.slots().path(trial.slot()),
                  store.slots().plan(trial),
                  state.desired().probation());
    }
    Verdict verdict = stopHarm(watch);
    if (verdict instanceof Verdict.Wait) {
      return PROBATION_POLL;
    }
    if (verdict instanceof Verdict.Fail fail) {
      return observe(
          Observation.refused(Refusal.permanent(RefusalReason.PROBATION, fail.reason())));
    }
    markProven(trial);
    return observe(Observation.of(Kind.PROVEN));
  }

  /**
   * What a trial under way deserves. One that does harm stops answering at once and not only when
   * that is on record: a full disk must not keep it. At boot its trial begins anew, so nothing is
   * taken for proven by this.
   */
  private Verdict stopHarm(Trials.Watch trial) {
    if (harm != null) {
      return harm;
    }
    Verdict verdict = trial.poll();
    if (verdict instanceof Verdict.Fail fail) {
      harm = fail;
      live.runCommitted(state);
      ports.listener().recorded(state, live.running());
    }
    return verdict;
  }

  private void markProven(Installed trial) {
    try {
      store.slots().markProven(trial, state.desired().generation());
    } catch (IOException e) {
      // The mark only helps a boot without a journal; a full disk must not cost a good model.
      log.warn("the bundle could not be marked as proven: {}", e.getMessage());
    }
  }

  private Duration restore() throws JournalException {
    return observe(Observation.of(Kind.RESTORED));
  }

  private Duration waitForRetry() throws JournalException {
    long now = timing.nanoTicker().getAsLong();
    if (!retryArmed) {
      retryArmed = true;
      retryAtNanos = now + RETRY.delay(state.progress().attempt(), timing.random()).toNanos();
    }
    long left = retryAtNanos - now;
    return left > 0 ? Duration.ofNanos(left) : observe(Observation.of(Kind.RETRY_DUE));
  }

  private Duration observe(Observation seen) throws JournalException {
    record(UpdateMachine.next(state, seen));
    return Duration.ZERO;
  }

  /** Makes a state durable and lets its model run. The order is what keeps invariants over cuts. */
  private void record(UpdateState next) throws JournalException {
    if (next.equals(state)) {
      return;
    }
    save(next);
    log.info("generation {}: {} -> {}", next.desired().generation(), state.phase(), next.phase());
    state = next;
    watch = null;
    harm = null;
    retryArmed = false;
    if (next.phase() != Phase.PROBATION) {
      live.runCommitted(state);
    }
    ports.listener().recorded(state, live.running());
    if (next.phase().atRest()) {
      tidy();
    }
  }

  private void save(UpdateState next) throws JournalException {
    try {
      store.journal().save(next);
    } catch (IOException e) {
      throw new JournalException(e);
    }
    onRecord = true;
    if (diskRefused) {
      diskRefused = false;
      log.info("the journal is written again");
    }
  }

  private void tidy() {
    try {
      store.slots().clearUnused(state.models());
    } catch (IOException e) {
      log.warn("an unused slot could not be emptied: {}", e.getMessage());
    }
  }

  private Digest wanted() {
    return state
        .desired()
        .artifact()
        .orElseThrow(() -> new IllegalStateException(state.phase() + " without an artifact"));
  }

  private Installed trial() {
    return state
        .models()
        .trial()
        .orElseThrow(() -> new IllegalStateException(state.phase() + " without a trial"));
  }
}
