package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeCoordinator;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.Hello;
import io.stillhouse.proto.device.v1.Phase;
import io.stillhouse.proto.device.v1.Report;
import io.stillhouse.proto.device.v1.ReportAck;
import io.stillhouse.proto.device.v1.TelemetryTls;
import io.stillhouse.proto.device.v1.Welcome;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CoordinatorLinkTest {
  private static final Digest ARTIFACT = new Digest("cd".repeat(32));

  private final BlockingQueue<Object> told = new LinkedBlockingQueue<>();

  @SuppressWarnings("NullAway.Init")
  private FakeCoordinator coordinator;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private IdentityStore store;

  @SuppressWarnings("NullAway.Init")
  private IdentityKeeper identity;

  @SuppressWarnings("NullAway.Init")
  private CoordinatorLink link;

  @BeforeEach
  void dial() throws Exception {
    coordinator = new FakeCoordinator();
    store = new IdentityStore(new RealDisk(), folder);
    identity = new IdentityKeeper(store, LinkFixtures.enrolled(coordinator));
    link = CoordinatorLink.of(identity, LinkFixtures.PROFILE, LinkFixtures.STAMPS, new Random(5));
    link.start(
        new LinkListener() {
          @Override
          public void welcomed(Welcomed welcome) {
            told.add(welcome);
          }

          @Override
          public void wished(Desired desired) {
            told.add(desired);
          }
        });
  }

  @AfterEach
  void hangUp() {
    link.close();
    coordinator.close();
  }

  @Test
  void a_session_begins_with_who_the_device_is_and_stands_after_the_welcome() throws Exception {
    StreamObserver<CoordinatorMessage> session = coordinator.session();
    Hello hello = coordinator.next().getHello();
    assertThat(hello.getBootId()).isEqualTo("boot-1");
    assertThat(hello.getAgentVersion()).isEqualTo("0.1.0");
    assertThat(hello.getProfile().getBoard()).isEqualTo("sim-small");
    assertThat(hello.getState().getPhase()).isEqualTo(Phase.PHASE_IDLE);
    assertThat(link.connected()).isFalse();

    session.onNext(welcome(60_000));
    assertThat(heard())
        .isEqualTo(
            new Welcomed(
                "broker:9092", "topic", Optional.empty(), "class-1", Instant.ofEpochMilli(77)));
    assertThat(link.connected()).isTrue();
    assertThat(coordinator.next().hasHeartbeat()).isTrue();
  }

  @Test
  void a_renewed_certificate_is_kept_and_shown_from_the_next_session_on() throws Exception {
    StreamObserver<CoordinatorMessage> session = coordinator.session();
    X509Certificate first = coordinator.shown.take();
    X509Certificate next = coordinator.authority().renewed(first);
    session.onNext(
        CoordinatorMessage.newBuilder()
            .setWelcome(
                welcome(60_000).getWelcome().toBuilder()
                    .setCertificateDer(ByteString.copyFrom(next.getEncoded())))
            .build());
    while (!identity.identity().certificate().equals(next)) {
      Thread.onSpinWait();
    }
    assertThat(store.load()).contains(identity.identity());
    session.onCompleted();
    coordinator.session().onNext(welcome(60_000));
    assertThat(coordinator.shown.take()).isEqualTo(next).isNotEqualTo(first);
  }

  @Test
  void a_welcome_that_asks_for_tls_towards_kafka_passes_on_what_to_show_there() throws Exception {
    coordinator
        .session()
        .onNext(
            CoordinatorMessage.newBuilder()
                .setWelcome(
                    welcome(60_000).getWelcome().toBuilder()
                        .setTelemetryTls(TelemetryTls.newBuilder().setAuthoritiesPem("pem")))
                .build());
    assertThat(heard())
        .isEqualTo(
            new Welcomed(
                "broker:9092",
                "topic",
                Optional.of(new BrokerTls(identity.identity(), "pem")),
                "class-1",
                Instant.ofEpochMilli(77)));
  }

  @Test
  void a_wish_is_passed_on_and_one_without_sense_is_not() throws Exception {
    StreamObserver<CoordinatorMessage> session = coordinator.session();
    session.onNext(welcome(60_000));
    assertThat(heard()).isInstanceOf(Welcomed.class);
    session.onNext(desired(8, "no digest"));
    session.onNext(CoordinatorMessage.getDefaultInstance());
    session.onNext(desired(9, ARTIFACT.sha256Hex()));
    assertThat(heard())
        .isEqualTo(new Desired(9, Optional.of(ARTIFACT), "r-1", 2, Duration.ofMillis(1_500)));
  }

  @Test
  void a_report_is_repeated_in_each_session_until_it_is_acknowledged() throws Exception {
    StreamObserver<CoordinatorMessage> first = coordinator.session();
    first.onNext(welcome(60_000));
    assertThat(coordinator.nextWord().hasHello()).isTrue();
    link.report(UpdateState.FRESH, Optional.of(ARTIFACT));
    Report report = coordinator.nextWord().getReport();
    assertThat(report.getRunningSha256()).isEqualTo(ARTIFACT.sha256Hex());
    assertThat(report.getWallEpochMillis()).isEqualTo(1_000);

    // An acknowledgement of another start of the agent means nothing.
    first.onNext(acknowledged("boot-0", report.getSeq()));
    first.onError(Status.UNAVAILABLE.withDescription("going down").asException());
    StreamObserver<CoordinatorMessage> second = coordinator.session();
    second.onNext(welcome(60_000));
    Hello again = coordinator.nextWord().getHello();
    assertThat(again.getState().getRunningSha256()).isEqualTo(ARTIFACT.sha256Hex());
    assertThat(coordinator.nextWord().getReport()).isEqualTo(report);

    second.onNext(acknowledged("boot-1", report.getSeq()));
    second.onCompleted();
    StreamObserver<CoordinatorMessage> third = coordinator.session();
    third.onNext(welcome(60_000));
    assertThat(coordinator.nextWord().hasHello()).isTrue();
    link.report(UpdateState.FRESH, Optional.empty());
    assertThat(coordinator.nextWord().getReport().getSeq()).isGreaterThan(report.getSeq());
  }

  @Test
  void heartbeats_come_as_often_as_the_coordinator_asks() throws Exception {
    StreamObserver<CoordinatorMessage> session = coordinator.session();
    session.onNext(welcome(100));
    assertThat(coordinator.nextWord().hasHello()).isTrue();
    long last = 0;
    for (int i = 0; i < 3; i++) {
      DeviceMessage message = coordinator.next();
      assertThat(message.getHeartbeat().getBootId()).isEqualTo("boot-1");
      assertThat(message.getHeartbeat().getSeq()).isGreaterThan(last);
      last = message.getHeartbeat().getSeq();
    }
  }

  private Object heard() throws InterruptedException {
    Object next = told.poll(20, TimeUnit.SECONDS);
    assertThat(next).as("what the listener is told").isNotNull();
    return next == null ? "" : next;
  }

  private static CoordinatorMessage welcome(long heartbeatMillis) {
    return CoordinatorMessage.newBuilder()
        .setWelcome(
            Welcome.newBuilder()
                .setHeartbeatIntervalMillis(heartbeatMillis)
                .setTelemetryBootstrap("broker:9092")
                .setTelemetryTopic("topic")
                .setHardwareClass("class-1")
                .setStoreTimeEpochMillis(77))
        .build();
  }

  private static CoordinatorMessage desired(long generation, String artifact) {
    return CoordinatorMessage.newBuilder()
        .setDesired(
            DesiredState.newBuilder()
                .setGeneration(generation)
                .setArtifactSha256(artifact)
                .setRolloutId("r-1")
                .setWave(2)
                .setProbationMillis(1_500))
        .build();
  }

  private static CoordinatorMessage acknowledged(String boot, long seq) {
    return CoordinatorMessage.newBuilder()
        .setReportAck(ReportAck.newBuilder().setBootId(boot).setSeq(seq))
        .build();
  }
}
