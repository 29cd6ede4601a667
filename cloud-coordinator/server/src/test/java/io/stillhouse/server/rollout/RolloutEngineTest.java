package io.stillhouse.server.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.Phase;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.service.RolloutService.GateRequest;
import io.stillhouse.server.service.RolloutService.RolloutPreview;
import io.stillhouse.server.service.RolloutService.RolloutRequest;
import io.stillhouse.server.service.RolloutService.RolloutView;
import io.stillhouse.server.service.ServiceJson;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.Rollouts;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeDevice;
import io.stillhouse.server.testing.ScriptedHealth;
import io.stillhouse.server.testing.TestCoordinator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine with devices behind real gRPC. */
class RolloutEngineTest {
  private static final List<Integer> CANARY_THEN_ALL = List.of(34, 100);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final ScriptedHealth health = new ScriptedHealth();
  private final List<FakeDevice> fleet = new ArrayList<>();

  @SuppressWarnings("NullAway.Init")
  private TestCoordinator coordinator;

  @SuppressWarnings("NullAway.Init")
  private Driving driving;

  /** One coordinator's engine with its service. */
  private record Driving(RolloutEngine engine, EngineRollouts service) {}

  @BeforeEach
  void open() throws Exception {
    coordinator = new TestCoordinator(directory);
    driving = drive("first");
    for (String name : List.of("a", "b", "c")) {
      fleet.add(coordinator.device(name));
    }
  }

  @AfterEach
  void close() {
    driving.engine().close();
    fleet.forEach(FakeDevice::close);
    coordinator.close();
  }

  @Test
  void a_rollout_reaches_every_device_wave_by_wave() throws Exception {
    Digest artifact = coordinator.version(100).digest();
    RolloutView started = driving.service().start(request(1, false));
    assertThat(started.id()).isEqualTo("ro-1");
    RolloutView ended = ended(started.id(), "SUCCEEDED");
    assertThat(fleet).allSatisfy(d -> assertThat(d.running()).isEqualTo(artifact.sha256Hex()));
    assertThat(ended.waves())
        .extracting(w -> w.assigned() + " " + w.succeeded() + " " + w.verdict())
        .containsExactly("1 1 PASS", "2 2 PASS");
    assertThat(ended.waitingFor()).isEqualTo("nothing");
    assertThat(driving.service().audit(100))
        .extracting(a -> a.kind())
        .contains("rollout.planned", "rollout.phase", "rollout.gate", "device.committed");
  }

  @Test
  void a_failing_canary_goes_back_by_itself_and_nobody_else_is_touched() throws Exception {
    Digest good = coordinator.version(100).digest();
    ended(driving.service().start(request(1, false)).id(), "SUCCEEDED");
    Variant bad = coordinator.version(200);
    manners(wish -> is(wish, bad) ? Phase.PHASE_ROLLED_BACK : Phase.PHASE_COMMITTED);

    RolloutView ended = ended(driving.service().start(request(2, false)).id(), "ROLLED_BACK");

    assertThat(ended.reasons()).singleElement().asString().startsWith("GATE_FAILED");
    assertThat(ended.waves().get(1).reached()).isZero();
    assertThat(fleet).allSatisfy(d -> assertThat(d.running()).isEqualTo(good.sha256Hex()));
    assertThat(fleet.stream().filter(d -> told(d, bad)).count()).isEqualTo(1);
    assertThat(driving.service().quarantine())
        .singleElement()
        .satisfies(q -> assertThat(q.digest()).isEqualTo(bad.digest().sha256Hex()));
    RolloutPreview again = driving.service().plan(request(2, false));
    assertThat(again.excluded()).containsEntry("QUARANTINED", 3);
  }

  @Test
  void a_model_whose_accuracy_collapses_goes_back_although_every_device_committed()
      throws Exception {
    Digest good = coordinator.version(100).digest();
    health.accuracy("ro-1", 0.9);
    ended(driving.service().start(request(1, true)).id(), "SUCCEEDED");
    coordinator.version(200);
    health.accuracy("ro-2", 0.1);
    RolloutView ended = ended(driving.service().start(request(2, true)).id(), "ROLLED_BACK");
    assertThat(ended.reasons()).singleElement().asString().contains("accuracy");
    assertThat(ended.waves().get(0).gate().get(0).accuracy()).hasValue(0.1);
    assertThat(ended.waves().get(0).gate().get(0).baselineAccuracy()).hasValue(0.9);
    Eventually.holds(
        "all run the good one",
        () -> fleet.stream().allMatch(d -> d.running().equals(good.sha256Hex())));
  }

  @Test
  void silence_of_telemetry_opens_no_further_wave() throws Exception {
    coordinator.version(100);
    String id = driving.service().start(request(1, true)).id();
    Eventually.holds(
        "the gate waits for measurements",
        () -> driving.service().show(id).waveStage().equals("ANALYSING"));
    assertThat(driving.service().show(id).waves().get(0).verdict()).isEqualTo("INCONCLUSIVE");
    assertThat(driving.service().show(id).waves().get(1).reached()).isZero();
    health.accuracy(id, 0.9);
    ended(id, "SUCCEEDED");
  }

  @Test
  void a_new_engine_goes_on_where_the_record_stands() throws Exception {
    Variant variant = coordinator.version(100);
    manners(wish -> Phase.PHASE_DOWNLOADING);
    String id = driving.service().start(request(1, false)).id();
    Eventually.holds("the canary is told", () -> fleet.stream().anyMatch(d -> told(d, variant)));
    driving.engine().close();
    // While nobody drives, the canary finishes; the other devices will when they are told.
    manners(wish -> Phase.PHASE_COMMITTED);
    for (FakeDevice device : fleet) {
      if (told(device, variant)) {
        device.again();
      }
    }
    assertThat(driving.service().show(id).status()).isEqualTo("RUNNING");
    driving = drive("second");
    ended(id, "SUCCEEDED");
    assertThat(fleet)
        .allSatisfy(d -> assertThat(d.running()).isEqualTo(variant.digest().sha256Hex()));
  }

  @Test
  void an_engine_that_was_replaced_does_nothing_more() throws Exception {
    coordinator.version(100);
    ended(driving.service().start(request(1, false)).id(), "SUCCEEDED");
    Lease second = coordinator.lease("second");
    assertThat(second.acquire()).as("the first holds it").isEmpty();
    driving.engine().close();
    assertThat(second.acquire()).as("it was released").hasValue(2);
  }

  @Test
  void operators_pause_resume_and_abort() throws Exception {
    Digest good = coordinator.version(100).digest();
    ended(driving.service().start(request(1, false)).id(), "SUCCEEDED");
    Variant slow = coordinator.version(200);
    manners(wish -> is(wish, slow) ? Phase.PHASE_DOWNLOADING : Phase.PHASE_COMMITTED);
    String id = driving.service().start(request(2, false)).id();
    Eventually.holds("it runs", () -> driving.service().show(id).status().equals("RUNNING"));

    assertThat(driving.service().pause(id).status()).isEqualTo("PAUSED");
    assertThat(driving.service().pause(id).status()).isEqualTo("PAUSED");
    assertThat(driving.service().show(id).waitingFor()).contains("operator");
    assertThat(driving.service().resume(id).status()).isEqualTo("RUNNING");
    driving.service().abort(id);
    RolloutView ended = ended(id, "ROLLED_BACK");
    assertThat(ended.reasons()).singleElement().asString().startsWith("OPERATOR");
    assertThat(fleet).allSatisfy(d -> assertThat(d.running()).isEqualTo(good.sha256Hex()));
    assertThat(driving.service().quarantine()).isEmpty();
    assertThatThrownBy(() -> driving.service().pause("ro-99"))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("ro-99");
  }

  @Test
  void a_newer_rollout_takes_the_place_of_an_older_one() throws Exception {
    Variant first = coordinator.version(100);
    Variant second = coordinator.version(200);
    manners(wish -> is(wish, first) ? Phase.PHASE_DOWNLOADING : Phase.PHASE_COMMITTED);
    String older = driving.service().start(request(1, false)).id();
    Eventually.holds("it runs", () -> driving.service().show(older).status().equals("RUNNING"));
    String newer = driving.service().start(request(2, false)).id();
    ended(older, "SUPERSEDED");
    ended(newer, "SUCCEEDED");
    assertThat(fleet)
        .allSatisfy(d -> assertThat(d.running()).isEqualTo(second.digest().sha256Hex()));
  }

  @Test
  void a_device_that_could_not_have_a_model_counts_as_what_it_kept() throws Exception {
    Digest first = coordinator.version(100).digest();
    ended(driving.service().start(request(1, false)).id(), "SUCCEEDED");
    Digest second = coordinator.version(200).digest();
    RolloutRequest lenient =
        ServiceJson.mapper()
            .readValue(
                """
                {"model": "inspect", "version": 2, "gate": {"failureRateMax": 0.99,
                 "minSample": 1, "passMin": 0.3, "minInferences": 0, "feedbackDemanded": false}}
                """,
                RolloutRequest.class);
    String unlucky = driving.service().plan(lenient).waves().get(1).targets().get(0).device();
    fleet.stream()
        .filter(device -> device.id().equals(unlucky))
        .forEach(device -> device.manners(wish -> Phase.PHASE_FAILED));
    ended(driving.service().start(lenient).id(), "SUCCEEDED");

    assertThat(driving.service().plan(lenient).waves())
        .flatExtracting(wave -> wave.targets())
        .extracting(target -> target.device())
        .as("it may try again")
        .containsExactly(unlucky);
    coordinator.version(300);
    String third = driving.service().start(request(3, false)).id();
    assertThat(
            coordinator
                .rollouts(coordinator.lease("reader"))
                .load(new RolloutId(third))
                .orElseThrow()
                .spec()
                .targets())
        .hasSize(3)
        .allSatisfy(
            target ->
                assertThat(target.fallback())
                    .contains(target.device().value().equals(unlucky) ? first : second));
  }

  @Test
  void a_version_that_is_tailored_again_keeps_what_its_rollouts_were_promised() throws Exception {
    Variant variant = coordinator.version(100);
    VariantFacts before = new VariantFacts(coordinator.artifacts);
    assertThat(before.latencyBudgetMicros(variant.digest())).hasValue(20_000);
    Digest other = new Digest("b".repeat(64));
    coordinator.models.putVariants(
        List.of(
            new Variant(
                variant.key(),
                variant.hardwareClass(),
                other,
                variant.releaseCounter() + 1,
                variant.summaryJson())));
    assertThat(coordinator.models.variant(variant.digest())).isEmpty();
    VariantFacts after = new VariantFacts(coordinator.artifacts);
    assertThat(after.latencyBudgetMicros(variant.digest())).hasValue(20_000);
    assertThat(after.accuracy(variant.digest())).isEqualTo(before.accuracy(variant.digest()));
    assertThat(after.accuracy(variant.digest())).isPresent();
    assertThat(after.bundleBytes(variant.digest())).isPositive();
    assertThat(after.latencyBudgetMicros(other)).isEmpty();
  }

  @Test
  void a_device_is_lost_only_after_many_heartbeats() {
    assertThat(RolloutRequests.lostAfter(Duration.ofSeconds(5))).isEqualTo(Duration.ofMinutes(2));
    assertThat(RolloutRequests.lostAfter(Duration.ofMinutes(5))).isEqualTo(Duration.ofMinutes(50));
  }

  @Test
  void a_rollout_that_cannot_be_driven_holds_up_no_other() throws Exception {
    Variant first = coordinator.version(100);
    Variant second = coordinator.version(200);
    manners(wish -> is(wish, first) ? Phase.PHASE_DOWNLOADING : Phase.PHASE_COMMITTED);
    String poisoned = driving.service().start(request(1, false)).id();
    Eventually.holds("it runs", () -> driving.service().show(poisoned).status().equals("RUNNING"));
    health.breaks(poisoned);
    // A command to it fails, and so does putting the sound one, which covers it, in its place.
    Rollouts.Request pause =
        coordinator
            .rollouts(coordinator.lease("operator"))
            .ask(new RolloutId(poisoned), Rollouts.Action.PAUSE);

    String sound = driving.service().start(request(2, false)).id();
    ended(sound, "SUCCEEDED");
    assertThat(fleet)
        .allSatisfy(d -> assertThat(d.running()).isEqualTo(second.digest().sha256Hex()));
    assertThat(driving.engine().failures()).isPositive();
    assertThat(coordinator.rollouts(coordinator.lease("operator")).open(pause)).isTrue();

    health.mends(poisoned);
    ended(poisoned, "SUPERSEDED");
    assertThat(coordinator.rollouts(coordinator.lease("operator")).open(pause)).isFalse();
  }

  @Test
  void a_plan_shows_who_would_get_what_and_touches_nothing() throws Exception {
    Variant variant = coordinator.version(100);
    coordinator.directoryService.revoke("c");
    RolloutPreview preview = driving.service().plan(request(1, false));
    assertThat(preview.devices()).isEqualTo(2);
    assertThat(preview.excluded()).containsEntry("REVOKED", 1);
    assertThat(preview.waves()).hasSize(2);
    assertThat(preview.waves())
        .flatExtracting(w -> w.targets())
        .extracting(t -> t.device() + " " + t.artifact())
        .containsExactlyInAnyOrder(
            "a " + variant.digest().sha256Hex(), "b " + variant.digest().sha256Hex());
    assertThat(preview.leftOut())
        .singleElement()
        .satisfies(l -> assertThat(l.device() + " " + l.why()).isEqualTo("c REVOKED"));
    assertThat(preview.bytes())
        .isEqualTo(
            2
                * coordinator
                    .artifacts
                    .manifest(variant.digest())
                    .orElseThrow()
                    .getFilesList()
                    .stream()
                    .mapToLong(f -> f.getSizeBytes())
                    .sum());
    assertThat(driving.service().list()).isEmpty();
    assertThat(coordinator.states.desired(new DeviceId("a"))).isEmpty();
  }

  @Test
  void what_cannot_be_rolled_out_is_refused_with_a_reason() throws Exception {
    assertThatThrownBy(() -> driving.service().start(request(1, false)))
        .hasMessageContaining("no such model version");
    coordinator.version(100);
    assertThatThrownBy(
            () ->
                driving
                    .service()
                    .plan(
                        new RolloutRequest(
                            TestCoordinator.MODEL,
                            1,
                            Optional.of(List.of(50, 40)),
                            OptionalLong.empty(),
                            OptionalLong.empty(),
                            Optional.empty())))
        .isInstanceOf(CoordinatorException.class);
    assertThatThrownBy(
            () ->
                driving
                    .service()
                    .plan(
                        ServiceJson.mapper()
                            .readValue(
                                """
                                {"model":"inspect","version":1,"gate":{"failureRateMax":7}}
                                """,
                                RolloutRequest.class)))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("failureRateMax: 7.0");
    assertThatThrownBy(
            () ->
                ServiceJson.mapper()
                    .readValue(
                        """
                        {"model":"inspect","version":1,"gate":{"failureRatMax":0.1}}
                        """,
                        RolloutRequest.class))
        .as("a mistyped limit is not a missing one")
        .hasMessageContaining("failureRatMax");
  }

  private Driving drive(String holder) {
    Lease lease = coordinator.lease(holder);
    Rollouts rollouts = coordinator.rollouts(lease);
    RolloutEngine.Sources sources =
        new RolloutEngine.Sources(
            rollouts, coordinator.states, coordinator.models, coordinator.artifacts, health);
    RolloutEngine engine =
        new RolloutEngine(sources, lease, coordinator.sessions::tell, System::nanoTime);
    EngineRollouts service =
        new EngineRollouts(
            sources,
            new EngineRollouts.Surroundings(
                coordinator.devices,
                new Audit(coordinator.database, coordinator.clock),
                coordinator.clock,
                engine::wake,
                engine::listeningSince),
            new RolloutDefaults(
                CANARY_THEN_ALL,
                Duration.ZERO,
                Duration.ZERO,
                Duration.ofMinutes(5),
                Duration.ofSeconds(5)));
    engine.start();
    return new Driving(engine, service);
  }

  /** Judged by devices' own reports alone, or by telemetry as well. */
  private static RolloutRequest request(long version, boolean telemetry) {
    return new RolloutRequest(
        TestCoordinator.MODEL,
        version,
        Optional.empty(),
        OptionalLong.empty(),
        OptionalLong.empty(),
        Optional.of(
            new GateRequest(
                OptionalDouble.empty(),
                OptionalInt.of(1),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalLong.of(telemetry ? 100 : 0),
                OptionalLong.empty(),
                Optional.of(telemetry),
                OptionalLong.empty())));
  }

  private void manners(Function<DesiredState, Phase> how) {
    fleet.forEach(device -> device.manners(how));
  }

  private RolloutView ended(String rollout, String status) {
    try {
      Eventually.holds(
          rollout + " is " + status, () -> driving.service().show(rollout).status().equals(status));
    } catch (AssertionError e) {
      throw new AssertionError(driving.service().show(rollout).toString(), e);
    }
    return driving.service().show(rollout);
  }

  private static boolean is(DesiredState wish, Variant variant) {
    return wish.getArtifactSha256().equals(variant.digest().sha256Hex());
  }

  private static boolean told(FakeDevice device, Variant variant) {
    return device.received().stream().anyMatch(m -> m.hasDesired() && is(m.getDesired(), variant));
  }
}
