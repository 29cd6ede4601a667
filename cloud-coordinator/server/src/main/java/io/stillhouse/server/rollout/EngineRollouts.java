package io.stillhouse.server.rollout;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.RolloutPlanner;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.RolloutService;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.Rollouts;
import io.stillhouse.server.storage.Rollouts.Action;
import io.stillhouse.server.storage.Rollouts.Listed;
import io.stillhouse.server.storage.Rollouts.Request;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Operators' access to rollouts. Plans are stored here; everything after that is the engine's, on
 * whichever coordinator leads: a wish is noted, the engine is woken, and the answer is the rollout
 * as it then stands.
 */
public final class EngineRollouts implements RolloutService {
  /** How long an answer waits for the engine to see to a wish. */
  private static final Duration ANSWER_WAIT = Duration.ofSeconds(5);

  private static final Duration POLL = Duration.ofMillis(50);
  private static final int NAME_TRIES = 5;

  private final Rollouts rollouts;
  private final RolloutStore measured;
  private final VariantFacts variants;
  private final RolloutPlans plans;
  private final RolloutRequests requests;
  private final Audit audit;
  private final Surroundings around;

  /**
   * What a service works with besides the engine's own sources.
   *
   * @param listeningSince the engine's, so that both judge alike
   */
  public record Surroundings(
      DeviceTable devices,
      Audit audit,
      InstantSource clock,
      Runnable wakeEngine,
      Supplier<Instant> listeningSince) {}

  public EngineRollouts(
      RolloutEngine.Sources sources, Surroundings around, RolloutDefaults defaults) {
    this.rollouts = sources.rollouts();
    this.measured =
        sources.measured(
            // An engine that has not looked yet has heard nobody.
            now ->
                now.isBefore(around.listeningSince().get()) ? now : around.listeningSince().get());
    this.variants = new VariantFacts(sources.artifacts());
    this.plans =
        new RolloutPlans(around.devices(), sources.states(), sources.models(), sources.rollouts());
    this.requests = new RolloutRequests(defaults);
    this.audit = around.audit();
    this.around = around;
  }

  @Override
  public RolloutPreview plan(RolloutRequest request) {
    requests.timings(request);
    requests.gate(request);
    RolloutPlanner.Plan plan = planned(rollouts.nextId(), request);
    return RolloutPreviews.of(
        request,
        plan,
        plan.targets().stream().mapToLong(t -> variants.bundleBytes(t.artifact())).sum());
  }

  @Override
  public RolloutView start(RolloutRequest request) {
    for (int i = 0; i < NAME_TRIES; i++) {
      RolloutId id = rollouts.nextId();
      RolloutPlanner.Plan plan = planned(id, request);
      if (plan.targets().isEmpty()) {
        throw new CoordinatorException(
            ErrorCategory.CONFLICT,
            "cannot roll out %s@%d".formatted(request.model(), request.version()),
            "no device would get it: " + plan.excluded(),
            "enrol devices, tailor the version for their classes, or abort the rollout that is"
                + " under way");
      }
      RolloutSpec spec =
          RolloutRequests.checked(
              () ->
                  new RolloutSpec(
                      id,
                      new ModelVersion(request.model(), request.version()),
                      plan.targets(),
                      requests.timings(request),
                      requests.gate(request)));
      if (rollouts.create(spec, RolloutStatus.planned(around.clock().instant()))) {
        around.wakeEngine().run();
        return show(id.value());
      }
    }
    throw new CoordinatorException(
        ErrorCategory.CONFLICT,
        "cannot start a rollout",
        "others are being started at this moment",
        "try again");
  }

  private RolloutPlanner.Plan planned(RolloutId id, RolloutRequest request) {
    return plans.plan(
        id,
        new VersionId(request.model(), request.version()),
        requests.waves(request),
        around.clock().instant());
  }

  @Override
  public List<RolloutView> list() {
    // A rollout under way is shown as it stands; of the many that ended, the record is enough.
    return rollouts.latest().stream()
        .map(l -> l.status().phase().terminal() ? RolloutViews.brief(l) : view(l))
        .toList();
  }

  @Override
  public RolloutView show(String rollout) {
    return view(listed(rollout));
  }

  private RolloutView view(Listed listed) {
    return measured
        .load(listed.id())
        .map(at -> RolloutViews.detailed(listed, at))
        .orElseThrow(() -> unknown(listed.id().value()));
  }

  @Override
  public RolloutView pause(String rollout) {
    return ask(rollout, Action.PAUSE);
  }

  @Override
  public RolloutView resume(String rollout) {
    return ask(rollout, Action.RESUME);
  }

  @Override
  public RolloutView abort(String rollout) {
    return ask(rollout, Action.ABORT);
  }

  private RolloutView ask(String rollout, Action action) {
    Request request = rollouts.ask(listed(rollout).id(), action);
    around.wakeEngine().run();
    long polls = ANSWER_WAIT.dividedBy(POLL);
    for (long i = 0; i < polls && rollouts.open(request); i++) {
      try {
        TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    return show(rollout);
  }

  @Override
  public List<QuarantineView> quarantine() {
    return rollouts.all().stream()
        .map(
            q ->
                new QuarantineView(
                    q.digest().sha256Hex(),
                    q.hardwareClass().name(),
                    q.rollout().value(),
                    q.reason(),
                    q.since().toString()))
        .toList();
  }

  @Override
  public List<AuditView> audit(int limit) {
    return audit.latest(limit).stream()
        .map(e -> new AuditView(e.id(), e.at(), e.actor(), e.kind(), e.subject(), e.detail()))
        .toList();
  }

  private Listed listed(String rollout) {
    try {
      return rollouts.listed(new RolloutId(rollout)).orElseThrow(() -> unknown(rollout));
    } catch (IllegalArgumentException e) {
      throw unknown(rollout);
    }
  }

  private static CoordinatorException unknown(String rollout) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND,
        "cannot find rollout " + rollout,
        "no such rollout is on record",
        "list the rollouts");
  }
}
