package io.stillhouse.server.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.drive.Listening;
import io.stillhouse.fleet.drive.RolloutDriver;
import io.stillhouse.fleet.drive.RolloutDriver.Decider;
import io.stillhouse.fleet.drive.RolloutDriver.Result;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.port.RolloutStore.Outcome;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.RolloutCommand;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.pulse.Pulse;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceStates.Wish;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.Rollouts;
import io.stillhouse.server.storage.Rollouts.Request;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives every unfinished rollout, in one thread, while this coordinator holds the lease. It looks
 * at the record twice a second and keeps nothing in between, so starting again after a kill, or
 * another coordinator's taking over, is the same as the next look.
 *
 * <p>A rollout or a command that cannot be seen to does not hold up the others.
 *
 * <p>Order of each step: the decision is stored, then devices are told. Killed in between, nobody
 * is told by this process; devices hear it at their next connect, or from the next round over
 * sessions.
 */
public final class RolloutEngine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RolloutEngine.class);
  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration RENEWAL = Duration.ofSeconds(2);

  /** Above the longest wait for a database that answers at all. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(20);

  private static final String OPERATOR = "an operator";

  private final Rollouts rollouts;
  private final DeviceStates states;
  private final Lease lease;
  private final Consumer<Wish> devices;
  private final LongSupplier nanos;
  private final RolloutDriver driver;
  private final Thread thread = new Thread(this::loop, "rollout-engine");
  private final Semaphore bell = new Semaphore(0);
  private final StepsApart steps = new StepsApart();
  private final Listening listening = new Listening();
  private final Pulse pulse;
  private volatile boolean stopping;
  private OptionalLong epoch = OptionalLong.empty();
  private long renewedAt;

  /** Where rollouts, device states, variants and artifacts are kept; what live models measure. */
  public record Sources(
      Rollouts rollouts,
      DeviceStates states,
      ModelCatalogue models,
      ArtifactStore artifacts,
      WaveHealthSource health) {
    RolloutStore measured(UnaryOperator<Instant> listening) {
      return new MeasuredRollouts(rollouts, health, new VariantFacts(artifacts), listening);
    }
  }

  /**
   * An engine that has not begun.
   *
   * @param lease the one that {@code sources.rollouts()} checks
   * @param devices is told of each stored wish; it must not block
   * @param nanos monotonic
   */
  public RolloutEngine(Sources sources, Lease lease, Consumer<Wish> devices, LongSupplier nanos) {
    this.rollouts = sources.rollouts();
    this.states = sources.states();
    this.lease = lease;
    this.devices = devices;
    this.nanos = nanos;
    this.driver = new RolloutDriver(sources.measured(listening::look));
    this.pulse = new Pulse(SILENCE_MAX, nanos);
    thread.setDaemon(true);
  }

  /** Begins to drive. */
  public void start() {
    thread.start();
  }

  /** Looks now instead of at the next tick. */
  public void wake() {
    bell.release();
  }

  /**
   * Beats with every turn that saw to the rollouts, or found that another coordinator does. A
   * rollout that cannot be driven is a failure of that rollout and misses no beat.
   */
  public Pulse pulse() {
    return pulse;
  }

  /** Since when this engine has looked at rollouts in time; others show them as it judges them. */
  public Instant listeningSince() {
    return listening.since();
  }

  /** Steps of rollouts and commands that have failed since the start. */
  public long failures() {
    return steps.failures();
  }

  /** Stops after the step in hand and gives up the lease. */
  @Override
  public void close() {
    stopping = true;
    wake();
    try {
      thread.join(Duration.ofSeconds(20).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    try {
      while (!stopping) {
        turnAndTell();
        boolean rung = bell.tryAcquire(TICK.toMillis(), TimeUnit.MILLISECONDS);
        int more = bell.drainPermits();
        LOG.trace("woken: {} {}", rung, more);
      }
      lease.release();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("the engine's lease was not released: {}", e.getMessage());
    }
  }

  private void turnAndTell() {
    try {
      turn();
      pulse.beat();
    } catch (RuntimeException e) {
      // The database may be away for a while; nothing is lost by looking again.
      LOG.error("rollouts cannot go on: {}", e.getMessage(), e);
      epoch = OptionalLong.empty();
      pulse.miss();
    }
  }

  private void turn() {
    if (!lead()) {
      return;
    }
    // Success is a heartbeat on record, so what was heard goes on record first.
    states.flush();
    steps.beginTurn();
    for (Request request : rollouts.requests()) {
      if (stopping || !lead()) {
        return;
      }
      steps.take(request.action() + " of rollout " + request.rollout(), () -> command(request));
    }
    List<RolloutId> open = rollouts.unfinished();
    supersede(open);
    for (RolloutId rollout : open) {
      if (stopping || !lead()) {
        return;
      }
      steps.take("rollout " + rollout, () -> advance(rollout));
    }
  }

  /** Whether this coordinator leads; renews the lease in time. */
  private boolean lead() {
    long now = nanos.getAsLong();
    if (epoch.isEmpty() || now - renewedAt >= RENEWAL.toNanos()) {
      OptionalLong held = lease.acquire();
      if (held.isPresent() && !held.equals(epoch)) {
        LOG.info("this coordinator drives rollouts, epoch {}", held.getAsLong());
      }
      epoch = held;
      renewedAt = now;
    }
    return epoch.isPresent();
  }

  private void advance(RolloutId rollout) {
    settle(driver.advance(rollout, epoch.orElseThrow()));
  }

  private void command(Request request) {
    Decider decider =
        switch (request.action()) {
          case PAUSE ->
              (spec, status, facts, now) ->
                  RolloutCommand.pause(spec, status, facts, OPERATOR, now);
          case RESUME ->
              (spec, status, facts, now) ->
                  RolloutCommand.resume(spec, status, facts, OPERATOR, now);
          case ABORT ->
              (spec, status, facts, now) ->
                  RolloutCommand.abort(spec, status, facts, OPERATOR, now);
        };
    Optional<Result> result = driver.command(request.rollout(), epoch.orElseThrow(), decider);
    settle(result);
    if (result.isEmpty() || result.get().last() == Outcome.APPLIED) {
      rollouts.close(request);
    }
  }

  /** A newer rollout that covers all devices of an older one takes its place. */
  private void supersede(List<RolloutId> open) {
    if (open.size() < 2) {
      return;
    }
    List<Snapshot> forward = new ArrayList<>();
    for (RolloutId rollout : open) {
      steps.take(
          "rollout " + rollout,
          () ->
              rollouts
                  .load(rollout)
                  .filter(at -> at.status().phase().forward())
                  .ifPresent(forward::add));
    }
    for (int newer = forward.size() - 1; newer > 0; newer--) {
      for (int older = 0; older < newer; older++) {
        RolloutSpec replacement = forward.get(newer).spec();
        RolloutSpec replaced = forward.get(older).spec();
        if (stopping || !lead()) {
          return;
        }
        if (replacement.covers(replaced)) {
          steps.take(
              "rollout %s in place of %s".formatted(replacement.id(), replaced.id()),
              () -> supersede(replacement, replaced));
        }
      }
    }
  }

  private void supersede(RolloutSpec replacement, RolloutSpec replaced) {
    settle(
        driver.command(
            replaced.id(),
            epoch.orElseThrow(),
            (spec, status, facts, now) ->
                RolloutCommand.supersede(spec, status, facts, replacement, now)));
  }

  private void settle(Optional<Result> result) {
    if (result.isEmpty()) {
      return;
    }
    if (result.get().last() == Outcome.STALE_EPOCH) {
      LOG.warn("another coordinator drives rollouts now");
      epoch = OptionalLong.empty();
    }
    for (DesiredChange change : result.get().changes()) {
      devices.accept(new Wish(change.state(), change.probation()));
    }
  }
}
