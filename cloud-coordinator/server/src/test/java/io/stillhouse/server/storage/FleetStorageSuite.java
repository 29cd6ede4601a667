package io.stillhouse.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.fleet.desired.DesiredState;
import io.stillhouse.fleet.desired.Heartbeat;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.port.RolloutStore;
import io.stillhouse.fleet.port.RolloutStore.Snapshot;
import io.stillhouse.fleet.rollout.Baseline;
import io.stillhouse.fleet.rollout.ClassHealth;
import io.stillhouse.fleet.rollout.Decision;
import io.stillhouse.fleet.rollout.DesiredChange;
import io.stillhouse.fleet.rollout.GatePolicy;
import io.stillhouse.fleet.rollout.LatencyHistogram;
import io.stillhouse.fleet.rollout.ModelVersion;
import io.stillhouse.fleet.rollout.Outcome;
import io.stillhouse.fleet.rollout.Quarantine;
import io.stillhouse.fleet.rollout.RolloutEvent;
import io.stillhouse.fleet.rollout.RolloutPhase;
import io.stillhouse.fleet.rollout.RolloutSpec;
import io.stillhouse.fleet.rollout.RolloutStatus;
import io.stillhouse.fleet.rollout.RolloutTarget;
import io.stillhouse.fleet.rollout.RolloutTimings;
import io.stillhouse.fleet.rollout.TargetFacts;
import io.stillhouse.fleet.rollout.Verdict;
import io.stillhouse.fleet.rollout.WaveCounts;
import io.stillhouse.fleet.rollout.WaveHealth;
import io.stillhouse.fleet.rollout.WaveJudgement;
import io.stillhouse.fleet.rollout.WaveStage;
import io.stillhouse.model.Digest;
import io.stillhouse.server.storage.DeviceTable.Applicant;
import io.stillhouse.server.storage.DeviceTable.Token;
import io.stillhouse.server.testing.Fixtures;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What storage promises the fleet, run on every database that is supported. */
abstract class FleetStorageSuite {
  static final Digest NEW = Digest.of(new byte[] {1});
  static final Digest OLD = Digest.of(new byte[] {2});
  static final RolloutId ID = new RolloutId("ro-1");

  final StepClock clock = new StepClock();

  @SuppressWarnings("NullAway.Init")
  Database database;

  @SuppressWarnings("NullAway.Init")
  DeviceTable devices;

  @SuppressWarnings("NullAway.Init")
  DeviceStates states;

  @SuppressWarnings("NullAway.Init")
  Lease lease;

  @SuppressWarnings("NullAway.Init")
  Rollouts rollouts;

  abstract Database fresh() throws Exception;

  @BeforeEach
  void open() throws Exception {
    database = fresh();
    devices = new DeviceTable(database, clock);
    states = new DeviceStates(database, clock);
    lease = new Lease(database, clock, "engine", "me");
    rollouts = new Rollouts(database, clock, lease);
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void what_has_outlived_its_use_is_forgotten_and_the_rest_stays() {
    devices.addToken(new Token("old", Optional.empty(), Map.of(), clock.instant()));
    devices.addToken(
        new Token("newer", Optional.empty(), Map.of(), clock.instant().plus(Duration.ofDays(1))));
    Audit audit = new Audit(database, clock);
    for (int line = 0; line < 10; line++) {
      audit.append(new Event("operator", "test", "subject", "line " + line));
    }
    clock.advance(Retention.TOKENS_KEPT.plusMillis(1));
    Retention.prune(database, clock, 4);
    Retention.prune(database, clock, 4);
    List<String> tokens =
        database.read(
            h ->
                h.createQuery("SELECT secret_sha256 FROM enrolment_token")
                    .mapTo(String.class)
                    .list());
    assertThat(tokens).containsExactly("newer");
    assertThat(audit.latest(100))
        .extracting(Audit.Entry::detail)
        .containsExactly("line 9", "line 8", "line 7", "line 6");
  }

  @Test
  void a_token_enrols_one_device_and_its_key_may_ask_again() {
    token("t1");
    Device first = devices.enrol(hash("t1"), applicant("k1", "Press #7!"));
    assertThat(first.id()).isEqualTo(new DeviceId("press-7"));
    assertThat(devices.enrol(hash("t1"), applicant("k1", "x"))).isEqualTo(first);
    assertThatThrownBy(() -> devices.enrol(hash("t1"), applicant("k2", "x")))
        .hasMessageContaining("unknown, expired or already used");
    assertThat(devices.all()).hasSize(1);
    assertThat(devices.find(first.id()).orElseThrow().profile()).isEqualTo(Fixtures.profile(1));
    assertThat(devices.find(first.id()).orElseThrow().labels()).containsEntry("zone", "a");
  }

  @Test
  void an_expired_or_unknown_token_enrols_nothing() {
    token("t1");
    assertThatThrownBy(() -> devices.enrol(hash("t2"), applicant("k1", "x")))
        .hasMessageContaining("unknown, expired or already used");
    clock.advance(Duration.ofHours(1));
    assertThatThrownBy(() -> devices.enrol(hash("t1"), applicant("k1", "x")))
        .hasMessageContaining("unknown, expired or already used");
    assertThat(devices.all()).isEmpty();
  }

  @Test
  void a_taken_name_gets_a_number() {
    assertThat(enrol("sensor").id().value()).isEqualTo("sensor");
    assertThat(enrol("sensor").id().value()).isEqualTo("sensor-2");
    assertThat(enrol("\u96fb\u6c17").id().value()).isEqualTo("device");
  }

  @Test
  void revoking_twice_changes_nothing_and_labels_replace() {
    DeviceId id = enrol("a").id();
    devices.revoke(id);
    assertThat(devices.revoke(id).device().revoked()).isTrue();
    assertThat(devices.label(id, Map.of("line", "2")).labels()).isEqualTo(Map.of("line", "2"));
    assertThat(new Audit(database, clock).of("device/a", 10))
        .extracting(Audit.Entry::kind)
        .containsExactly("device.labelled", "device.revoked", "device.enrolled");
    assertThatThrownBy(() -> devices.revoke(new DeviceId("b"))).hasMessageContaining("device b");
  }

  @Test
  void a_report_that_comes_twice_counts_once() {
    DeviceId id = enrol("a").id();
    Report report = report(id, 1, 0, Phase.IDLE);
    assertThat(states.report(report, Optional.of("{\"passed\":true}"))).isTrue();
    assertThat(states.report(report)).isFalse();
    assertThat(states.report(report(id, 2, 5, Phase.COMMITTED))).isFalse();
    assertThat(states.reported(id).orElseThrow().phase()).isEqualTo(Phase.IDLE);
    assertThat(states.selfTest(id)).contains("{\"passed\":true}");
  }

  @Test
  void heartbeats_are_written_in_batches_and_the_newest_wins() {
    DeviceId id = enrol("a").id();
    states.heard(id, new Heartbeat("b", 0, Optional.empty(), clock.instant()));
    Heartbeat newer = new Heartbeat("b", 1, Optional.of(OLD), clock.instant());
    states.heard(id, newer);
    assertThat(states.heartbeats()).containsEntry(id, newer);
    states.flush();
    states.flush();
    assertThat(new DeviceStates(database, clock).heartbeats()).containsEntry(id, newer);
  }

  @Test
  void a_plan_reads_back_as_it_was_written() {
    RolloutSpec spec = plan(enrol("a").id(), enrol("b").id());
    RolloutStatus status = richStatus();
    assertThat(rollouts.create(spec, status)).isTrue();
    assertThat(rollouts.create(spec, status)).isFalse();
    Snapshot snapshot = new Rollouts(database, clock, lease).load(ID).orElseThrow();
    assertThat(snapshot.spec()).isEqualTo(spec);
    assertThat(snapshot.status()).isEqualTo(status);
    assertThat(snapshot.facts().targets())
        .hasSize(2)
        .containsEntry(
            new DeviceId("a"),
            new TargetFacts(
                Optional.empty(),
                TargetFacts.Told.NOTHING,
                Optional.empty(),
                Optional.empty(),
                false));
    assertThat(rollouts.unfinished()).containsExactly(ID);
    assertThat(rollouts.load(new RolloutId("other"))).isEmpty();
  }

  @Test
  void a_decision_is_stored_whole() {
    DeviceId id = enrol("a").id();
    RolloutSpec spec = plan(id);
    RolloutStatus status = RolloutStatus.planned(clock.instant());
    rollouts.create(spec, status);
    long epoch = lease.acquire().orElseThrow();
    assertThat(rollouts.apply(ID, decision(status, offer(id, 1)), 0, epoch))
        .isEqualTo(RolloutStore.Outcome.APPLIED);

    Snapshot snapshot = rollouts.load(ID).orElseThrow();
    assertThat(snapshot.status().version()).isEqualTo(1);
    TargetFacts facts = snapshot.facts().of(snapshot.spec().targets().get(0));
    assertThat(facts.desired().orElseThrow().artifact()).contains(NEW);
    assertThat(facts.told().offer()).contains(new TargetFacts.Order(1, clock.instant()));
    assertThat(states.wish(id).orElseThrow().probation()).isEqualTo(Duration.ofSeconds(5));
    assertThat(rollouts.events(ID))
        .singleElement()
        .extracting(RolloutEvent::to)
        .isEqualTo("RUNNING");
    assertThat(rollouts.contains(OLD, Fixtures.profile(1).hardwareClass())).isTrue();
    assertThat(states.mayFetch(id, NEW)).isTrue();
    assertThat(states.mayFetch(id, OLD)).as("what it returns to").isTrue();
    assertThat(states.mayFetch(id, Digest.of(new byte[] {9}))).isFalse();
    assertThat(states.mayFetch(new DeviceId("other"), NEW)).isFalse();
  }

  @Test
  void a_decision_on_an_old_status_changes_nothing() {
    DeviceId id = enrol("a").id();
    RolloutStatus status = RolloutStatus.planned(clock.instant());
    rollouts.create(plan(id), status);
    long epoch = lease.acquire().orElseThrow();
    rollouts.apply(ID, decision(status, offer(id, 1)), 0, epoch);
    assertThat(rollouts.apply(ID, decision(status, offer(id, 2)), 0, epoch))
        .isEqualTo(RolloutStore.Outcome.CONFLICT);
    assertThat(states.desired(id).orElseThrow().generation()).isEqualTo(1);
  }

  @Test
  void a_generation_that_does_not_follow_takes_the_whole_decision_back() {
    DeviceId a = enrol("a").id();
    DeviceId b = enrol("b").id();
    RolloutStatus status = RolloutStatus.planned(clock.instant());
    rollouts.create(plan(a, b), status);
    long epoch = lease.acquire().orElseThrow();
    assertThat(rollouts.apply(ID, decision(status, offer(a, 1), offer(b, 3)), 0, epoch))
        .isEqualTo(RolloutStore.Outcome.CONFLICT);
    assertThat(states.desired(a)).isEmpty();
    assertThat(rollouts.load(ID).orElseThrow().status().version()).isZero();
    assertThat(rollouts.events(ID)).isEmpty();
    assertThat(rollouts.all()).isEmpty();
  }

  @Test
  void a_leader_that_was_replaced_cannot_write() {
    DeviceId id = enrol("a").id();
    RolloutStatus status = RolloutStatus.planned(clock.instant());
    rollouts.create(plan(id), status);
    long epoch = lease.acquire().orElseThrow();
    clock.advance(Lease.LIFE.plusSeconds(1));
    new Lease(database, clock, "engine", "other").acquire();
    assertThat(rollouts.apply(ID, decision(status, offer(id, 1)), 0, epoch))
        .isEqualTo(RolloutStore.Outcome.STALE_EPOCH);
    assertThat(states.desired(id)).isEmpty();
  }

  @Test
  void what_operators_ask_waits_for_the_engine() {
    rollouts.create(plan(enrol("a").id()), RolloutStatus.planned(clock.instant()));
    Rollouts.Request pause = rollouts.ask(ID, Rollouts.Action.PAUSE);
    assertThat(rollouts.requests()).containsExactly(pause);
    assertThat(rollouts.open(pause)).isTrue();
    rollouts.close(pause);
    assertThat(rollouts.open(pause)).isFalse();
    assertThat(rollouts.latest()).singleElement().extracting(Rollouts.Listed::id).isEqualTo(ID);
  }

  private RolloutSpec plan(DeviceId... ids) {
    return new RolloutSpec(
        ID,
        new ModelVersion("inspect", 2),
        java.util.Arrays.stream(ids)
            .map(
                id ->
                    new RolloutTarget(
                        id,
                        Fixtures.profile(1).hardwareClass(),
                        0,
                        NEW,
                        new RolloutTarget.Origin(0, Optional.of(OLD))))
            .toList(),
        new RolloutTimings(
            Duration.ofSeconds(3),
            Duration.ofSeconds(5),
            Duration.ofMinutes(1),
            Duration.ofMinutes(2),
            new RolloutTimings.Patience(Duration.ofSeconds(30), Duration.ofSeconds(20))),
        GatePolicy.DEFAULT);
  }

  private RolloutStatus richStatus() {
    return new RolloutStatus(
        4,
        RolloutPhase.PAUSED,
        Optional.of(
            new RolloutStatus.WaveCursor(1, WaveStage.SOAKING, clock.instant(), clock.instant())),
        List.of(
            result(0, new Verdict.Pass()),
            result(1, new Verdict.Inconclusive("few")),
            result(2, new Verdict.Fail("bad"))),
        new RolloutStatus.Attention(
            clock.instant(),
            Optional.empty(),
            List.of(
                new RolloutStatus.Reason(
                    RolloutStatus.Reason.Kind.GATE_INCONCLUSIVE, "few devices")),
            List.of(new DeviceId("a"))));
  }

  private RolloutStatus.WaveResult result(int index, Verdict verdict) {
    WaveCounts counts = new WaveCounts(5, 4, 3, 2, 1);
    ClassHealth health =
        new ClassHealth(
            new WaveHealth(
                10,
                1,
                new WaveHealth.Feedback(5, 4),
                new LatencyHistogram(List.of(4L, 5L)),
                OptionalDouble.of(0.7)),
            Baseline.NONE);
    return new RolloutStatus.WaveResult(
        index,
        new WaveJudgement(
            verdict,
            counts,
            Map.of(Outcome.REVOKED, 1),
            true,
            List.of(
                new WaveJudgement.ClassJudgement(
                    Fixtures.profile(1).hardwareClass(), verdict, counts, health))),
        clock.instant());
  }

  private Decision decision(RolloutStatus from, DesiredChange... changes) {
    return new Decision(
        new RolloutStatus(
            from.version() + 1, RolloutPhase.RUNNING, from.wave(), from.closed(), from.attention()),
        List.of(changes),
        List.of(
            new Quarantine(OLD, Fixtures.profile(1).hardwareClass(), ID, "why", clock.instant())),
        List.of(new RolloutEvent("phase", "PLANNED", "RUNNING", "", clock.instant())));
  }

  private static DesiredChange offer(DeviceId id, long generation) {
    return new DesiredChange(
        new DesiredState(id, generation, Optional.of(NEW), Optional.of(ID), 0),
        DesiredChange.Kind.OFFER,
        Duration.ofSeconds(5));
  }

  private static Report report(DeviceId id, long seq, long generation, Phase phase) {
    return new Report(
        id,
        new Report.Mark("boot", seq),
        new Report.Standing(generation, 0, phase),
        new Report.Models(Optional.empty(), Optional.of(OLD), Optional.empty()),
        Report.Explanation.NONE);
  }

  private Device enrol(String name) {
    String secret = name + devices.all().size();
    token(secret);
    return devices.enrol(hash(secret), applicant("key-of-" + secret, name));
  }

  private void token(String secret) {
    devices.addToken(
        new Token(
            hash(secret),
            Optional.empty(),
            Map.of("zone", "a"),
            clock.instant().plus(Duration.ofMinutes(30))));
  }

  private static String hash(String secret) {
    return Digest.of(secret.getBytes(java.nio.charset.StandardCharsets.UTF_8)).sha256Hex();
  }

  private static Applicant applicant(String key, String name) {
    return new Applicant(hash(key), name, Fixtures.profile(1));
  }
}
