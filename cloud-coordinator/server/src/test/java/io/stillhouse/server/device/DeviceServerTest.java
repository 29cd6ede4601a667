package io.stillhouse.server.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillhouse.fleet.desired.Phase;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DesiredState;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.ManifestRequest;
import io.stillhouse.proto.device.v1.Report;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.service.DeviceDirectory.DeviceView;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeDevice;
import io.stillhouse.server.testing.TestCoordinator;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over real sockets and real TLS. */
class DeviceServerTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final List<FakeDevice> opened = new ArrayList<>();

  @SuppressWarnings("NullAway.Init")
  private TestCoordinator coordinator;

  @BeforeEach
  void open() {
    coordinator = new TestCoordinator(directory);
  }

  @AfterEach
  void close() {
    opened.forEach(FakeDevice::close);
    coordinator.close();
  }

  @Test
  void a_token_enrols_a_device_that_is_then_known_by_its_certificate() throws Exception {
    FakeDevice device = device().enrol(coordinator.token(), "Press 7");
    assertThat(device.id()).isEqualTo("press-7");
    assertThat(device.identity().getHardwareClass()).startsWith("x86_64-avx2-t1");
    device.connect();
    Eventually.holds("it is welcomed", () -> !device.received().isEmpty());
    assertThat(device.received().get(0).getWelcome().getTelemetryTopic())
        .isEqualTo("stillhouse.telemetry.v1");
    assertThat(coordinator.sessions.connected()).containsExactly(new DeviceId("press-7"));
  }

  @Test
  void a_device_gets_its_next_certificate_in_the_last_third_of_the_one_it_has() throws Exception {
    FakeDevice device = enrolled("a").connect();
    Eventually.holds("it is welcomed", () -> !device.received().isEmpty());
    coordinator.daysAhead.set(500);
    device.connect();
    Eventually.holds("it is welcomed again", () -> device.received().size() > 1);
    coordinator.daysAhead.set(600);
    device.connect();
    Eventually.holds("and again", () -> device.received().size() > 2);
    List<ByteString> offered =
        device.received().stream().map(said -> said.getWelcome().getCertificateDer()).toList();
    assertThat(offered.subList(0, 2)).allMatch(ByteString::isEmpty);
    X509Certificate held = certificate(device.identity().getCertificateDer());
    X509Certificate next = certificate(offered.get(2));
    next.verify(coordinator.pki.authority().certificate().getPublicKey());
    assertThat(next.getPublicKey()).isEqualTo(held.getPublicKey());
    assertThat(next.getSubjectX500Principal()).isEqualTo(held.getSubjectX500Principal());
    assertThat(Duration.between(held.getNotAfter().toInstant(), next.getNotAfter().toInstant()))
        .isBetween(Duration.ofDays(599), Duration.ofDays(601));
  }

  private static X509Certificate certificate(ByteString der) throws Exception {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(der.newInput());
  }

  @Test
  void a_token_that_was_used_enrols_no_other_device() throws Exception {
    String token = coordinator.token();
    device().enrol(token, "a");
    refused(Status.Code.UNAUTHENTICATED, () -> device().enrol(token, "b"));
    refused(Status.Code.UNAUTHENTICATED, () -> device().enrol("x" + token, "b"));
    String pin = token.substring(token.indexOf('.') + 1);
    refused(Status.Code.UNAUTHENTICATED, () -> device().enrol("no token at all", "b", pin));
    assertThat(coordinator.devices.all()).hasSize(1);
  }

  @Test
  void a_device_whose_first_answer_was_lost_may_ask_again() throws Exception {
    String token = coordinator.token();
    FakeDevice device = device().enrol(token, "a");
    assertThat(device.enrol(token, "a").id()).isEqualTo("a");
    assertThat(coordinator.devices.all()).hasSize(1);
  }

  @Test
  void a_device_that_expects_another_authority_sends_nothing() throws Exception {
    String token = coordinator.token();
    refused(Status.Code.UNAVAILABLE, () -> device().enrol(token, "a", "0".repeat(64)));
    assertThat(device().enrol(token, "a").id()).as("the token is still good").isEqualTo("a");
  }

  @Test
  void without_a_certificate_only_enrolment_is_open() throws Exception {
    FakeDevice stranger = device();
    String pin = coordinator.pki.caDigest().sha256Hex();
    refused(
        Status.Code.UNAUTHENTICATED,
        () ->
            stranger
                .strangerCalls(pin)
                .getManifest(ManifestRequest.newBuilder().setArtifactSha256(pin).build()));
  }

  @Test
  void a_certificate_of_another_authority_is_refused() throws Exception {
    FakeDevice foreign;
    try (TestCoordinator other = new TestCoordinator(directory.resolve("other"))) {
      foreign = device().enrol(coordinator.token(), "a");
      FakeDevice elsewhere = new FakeDevice(other.port());
      opened.add(elsewhere);
      elsewhere.enrol(other.token(), "a");
      // The certificate of one coordinator, shown to the other.
      assertThatThrownBy(
              () ->
                  elsewhere
                      .at(coordinator.port(), coordinator.pki.caDigest().sha256Hex())
                      .getManifest(ManifestRequest.getDefaultInstance()))
          .isInstanceOf(StatusRuntimeException.class)
          .satisfies(
              e ->
                  assertThat(Status.fromThrowable(e).getCode())
                      .isIn(Status.Code.UNAVAILABLE, Status.Code.UNAUTHENTICATED));
    }
    assertThat(foreign.id()).isEqualTo("a");
  }

  @Test
  void the_newest_session_of_a_device_wins() throws Exception {
    FakeDevice device = enrolled("a").connect();
    Eventually.holds("the first is open", () -> coordinator.sessions.count() == 1);
    device.connect();
    Eventually.holds("the first has ended", () -> device.endings().size() == 1);
    assertThat(device.endings().get(0).getCode()).isEqualTo(Status.Code.ABORTED);
    assertThat(device.endings().get(0).getDescription()).contains("newer session");
    assertThat(coordinator.sessions.count()).isOne();
    // What is wanted from now on reaches the newer one.
    coordinator.want("a", 1, coordinator.version(10).digest());
    Eventually.holds("it is told", () -> wishes(device).size() == 1);
  }

  @Test
  void a_device_hears_what_is_wanted_when_it_connects_and_when_it_changes() throws Exception {
    Digest first = coordinator.version(10).digest();
    FakeDevice device = enrolled("a");
    coordinator.want("a", 1, first);
    device.connect();
    Eventually.holds("it runs the first", () -> device.running().equals(first.sha256Hex()));
    Digest second = coordinator.version(20).digest();
    coordinator.want("a", 2, second);
    Eventually.holds("it runs the second", () -> device.running().equals(second.sha256Hex()));
    Eventually.holds(
        "its report and heartbeat are on record",
        () -> {
          DeviceView view = coordinator.directoryService.show("a").device();
          return view.state().equals("runs what is wanted")
              && view.reported().orElseThrow().phase().equals(Phase.COMMITTED.name())
              && view.desired().orElseThrow().model().equals(java.util.Optional.of("inspect@2"))
              && view.liveness().equals("ONLINE");
        });
  }

  @Test
  void a_report_is_acknowledged_after_it_is_stored_and_again_when_it_comes_again()
      throws Exception {
    FakeDevice device = enrolled("a").connect();
    Report report = Report.newBuilder().setBootId("boot").setSeq(77).setDetail("only once").build();
    device.send(DeviceMessage.newBuilder().setReport(report).build());
    device.send(DeviceMessage.newBuilder().setReport(report).build());
    Eventually.holds("both are acknowledged", () -> acks(device).size() == 2);
    assertThat(acks(device)).containsExactly(77L, 77L);
    assertThat(coordinator.states.reported(new DeviceId("a")).orElseThrow().mark().seq())
        .isEqualTo(77);
  }

  @Test
  void malformed_messages_end_the_session_and_nothing_else() throws Exception {
    FakeDevice device = enrolled("a").connect();
    device.send(
        DeviceMessage.newBuilder()
            .setReport(Report.newBuilder().setBootId("boot").setRunningSha256("xyz"))
            .build());
    Eventually.holds("it has ended", () -> device.endings().size() == 1);
    assertThat(device.endings().get(0).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    device.connect();
    Eventually.holds("a new session is open", () -> coordinator.sessions.count() == 1);
  }

  @Test
  void a_revoked_device_is_put_out_and_stays_out() throws Exception {
    FakeDevice device = enrolled("a").connect();
    Eventually.holds("it is open", () -> coordinator.sessions.count() == 1);
    assertThat(coordinator.directoryService.revoke("a").revoked()).isTrue();
    Eventually.holds("it has ended", () -> device.endings().size() == 1);
    device.connect();
    Eventually.holds("it is refused", () -> device.endings().size() == 2);
    assertThat(device.endings())
        .extracting(Status::getCode)
        .containsExactly(Status.Code.PERMISSION_DENIED, Status.Code.PERMISSION_DENIED);
  }

  @Test
  void a_download_resumes_at_any_chunk_and_gives_the_same_bytes() throws Exception {
    Variant variant = coordinator.version(5 * ArtifactStore.CHUNK_BYTES / 2);
    FakeDevice device = enrolled("a");
    coordinator.want("a", 1, variant.digest());
    ByteBuffer model = coordinator.artifacts.file(variant.digest(), "model.onnx").orElseThrow();
    for (int first = 0; first <= 3; first++) {
      List<Chunk> chunks = fetch(device, variant.digest(), first);
      assertThat(chunks).hasSize(3 - first);
      int from = first;
      ByteString bytes = ByteString.copyFrom(chunks.stream().map(Chunk::getData).toList());
      int at = Math.min(first * ArtifactStore.CHUNK_BYTES, model.limit());
      assertThat(bytes).isEqualTo(ByteString.copyFrom(model.slice(at, model.limit() - at)));
      if (!chunks.isEmpty()) {
        assertThat(chunks.get(0).getIndex()).isEqualTo(from);
      }
    }
    refused(Status.Code.INVALID_ARGUMENT, () -> fetch(device, variant.digest(), 4));
    refused(Status.Code.INVALID_ARGUMENT, () -> fetch(device, variant.digest(), -1));
  }

  @Test
  void a_manifest_comes_as_it_was_signed() throws Exception {
    Variant variant = coordinator.version(100);
    FakeDevice device = enrolled("a");
    coordinator.want("a", 1, variant.digest());
    SignedManifest signed =
        device
            .calls()
            .getManifest(
                ManifestRequest.newBuilder()
                    .setArtifactSha256(variant.digest().sha256Hex())
                    .build());
    assertThat(
            coordinator
                .pki
                .artifactKey()
                .verifies(signed.getManifest().toByteArray(), signed.getSignature().toByteArray()))
        .isTrue();
  }

  @Test
  void a_device_gets_no_artifact_that_it_was_not_told_of() throws Exception {
    Variant variant = coordinator.version(100);
    FakeDevice device = enrolled("a");
    refused(Status.Code.PERMISSION_DENIED, () -> fetch(device, variant.digest(), 0));
    coordinator.want("a", 1, variant.digest());
    assertThat(fetch(device, variant.digest(), 0)).hasSize(1);
    FakeDevice other = enrolled("b");
    refused(Status.Code.PERMISSION_DENIED, () -> fetch(other, variant.digest(), 0));
  }

  @Test
  void a_download_that_nobody_reads_is_ended_and_holds_up_no_other() throws Exception {
    Variant variant = coordinator.version(700_000);
    FakeDevice stuck = enrolled("a");
    FakeDevice other = enrolled("b");
    coordinator.want("a", 1, variant.digest());
    coordinator.want("b", 1, variant.digest());
    FakeDevice.LazyDownload download = stuck.fetchLazily(variant.digest(), "model.onnx");
    Eventually.holds("it begins", () -> download.chunks() == 1);
    assertThat(fetch(other, variant.digest(), 0)).hasSize(3);

    // Each look lets the server wait longer than a download may stand still.
    Eventually.holds(
        "its place is given to others",
        () -> {
          coordinator.nanosAhead.addAndGet(Downloads.STALL_MAX.toNanos() + 1);
          return coordinator.downloads() == 0;
        });
    assertThat(download.endings()).as("it cannot be told before it reads").isEmpty();
    download.readOn();
    Eventually.holds("it is told", () -> !download.endings().isEmpty());
    assertThat(download.endings())
        .extracting(Status::getCode)
        .containsExactly(Status.Code.DEADLINE_EXCEEDED);
    assertThat(download.chunks()).isLessThan(3);
    assertThat(fetch(stuck, variant.digest(), 1)).as("it goes on where it was").hasSize(2);
  }

  @Test
  void random_first_messages_never_take_the_server_down() throws Exception {
    FakeDevice device = enrolled("a");
    Random random = new Random(23);
    for (int i = 0; i < 30; i++) {
      byte[] noise = new byte[random.nextInt(200)];
      random.nextBytes(noise);
      DeviceMessage message;
      try {
        message = DeviceMessage.parseFrom(noise);
      } catch (com.google.protobuf.InvalidProtocolBufferException e) {
        message =
            DeviceMessage.newBuilder()
                .setReport(Report.newBuilder().setDetail("seed 23 case " + i))
                .build();
      }
      int before = device.endings().size();
      device.connectWith(message);
      Eventually.holds("case " + i + " of seed 23 ends", () -> device.endings().size() > before);
    }
    device.connect();
    Eventually.holds("it still serves", () -> coordinator.sessions.count() == 1);
  }

  private FakeDevice device() {
    FakeDevice device = new FakeDevice(coordinator.port());
    opened.add(device);
    return device;
  }

  private FakeDevice enrolled(String name) throws Exception {
    return device().enrol(coordinator.token(), name);
  }

  private static List<Chunk> fetch(FakeDevice device, Digest artifact, int first) throws Exception {
    List<Chunk> chunks = new ArrayList<>();
    device
        .calls()
        .fetch(
            FetchRequest.newBuilder()
                .setArtifactSha256(artifact.sha256Hex())
                .setPath("model.onnx")
                .setFirstChunk(first)
                .build())
        .forEachRemaining(chunks::add);
    return chunks;
  }

  private static List<DesiredState> wishes(FakeDevice device) {
    return device.received().stream()
        .filter(CoordinatorMessage::hasDesired)
        .map(CoordinatorMessage::getDesired)
        .toList();
  }

  private static List<Long> acks(FakeDevice device) {
    return device.received().stream()
        .filter(CoordinatorMessage::hasReportAck)
        .map(m -> m.getReportAck().getSeq())
        .toList();
  }

  private static void refused(
      Status.Code code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(StatusRuntimeException.class)
        .satisfies(e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(code));
  }
}
