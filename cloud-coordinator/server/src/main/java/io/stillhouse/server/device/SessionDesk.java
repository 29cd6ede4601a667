package io.stillhouse.server.device;

import com.google.protobuf.ByteString;
import io.stillhouse.fleet.desired.Report;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.Heartbeat;
import io.stillhouse.proto.device.v1.Hello;
import io.stillhouse.proto.device.v1.TelemetryTls;
import io.stillhouse.proto.device.v1.Welcome;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.DeviceTable.Enrolled;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a device's messages. Thread-safe; calls block on the database. */
final class SessionDesk {
  private static final Logger LOG = LoggerFactory.getLogger(SessionDesk.class);

  private final Records records;
  private final Sessions sessions;
  private final Pki pki;
  private final DeviceLink link;
  private final InstantSource clock;

  /** Where devices and their states are kept, and how fast reports may come. */
  record Records(DeviceTable devices, DeviceStates states, ReportPace pace) {}

  SessionDesk(Records records, Sessions sessions, Pki pki, DeviceLink link, InstantSource clock) {
    this.records = records;
    this.sessions = sessions;
    this.pki = pki;
    this.link = link;
    this.clock = clock;
  }

  DeviceStates states() {
    return records.states();
  }

  Sessions sessions() {
    return sessions;
  }

  /** The device of a certificate: on record, under this very key, and not revoked. */
  Enrolled admit(PeerIdentity.@Nullable Peer peer) {
    if (peer == null) {
      throw refused("there is no device certificate");
    }
    Enrolled known =
        records
            .devices()
            .find(peer.device())
            .orElseThrow(() -> refused("no such device is enrolled here"));
    if (!known.enrolment().keySha256().equals(peer.keySha256())) {
      throw refused("the certificate is not the one this device was enrolled with");
    }
    if (known.device().revoked()) {
      throw new CoordinatorException(
          ErrorCategory.FORBIDDEN,
          "cannot serve device " + peer.device(),
          "an operator revoked it",
          "enrol it again under a new token");
    }
    return known;
  }

  /**
   * Takes a hello into account; the device's class may change with it.
   *
   * @param certificate that the session was opened with
   */
  CoordinatorMessage hello(Enrolled known, X509Certificate certificate, Hello hello) {
    DeviceId device = known.device().id();
    HardwareProfile profile = DeviceMapper.profile(hello.getProfile());
    Instant now = clock.instant();
    if (hello.hasState()) {
      report(device, hello.getState());
      states().heard(device, DeviceMapper.heartbeat(hello.getState(), now));
    }
    // Ten thousand devices that reconnect as they were must not be ten thousand writes.
    if (!known.profile().equals(profile)
        || !known.enrolment().agentVersion().equals(hello.getAgentVersion())) {
      records.devices().hello(device, profile, hello.getAgentVersion());
    }
    Welcome.Builder welcome =
        Welcome.newBuilder()
            .setHeartbeatIntervalMillis(link.heartbeatInterval().toMillis())
            .setTelemetryBootstrap(link.telemetryBootstrap())
            .setTelemetryTopic(link.telemetryTopic())
            .setStoreTimeEpochMillis(now.toEpochMilli())
            .setHardwareClass(profile.hardwareClass().name())
            .setCertificateDer(renewal(device, certificate))
            .addArtifactPublicKeysDer(DeviceMapper.bytes(pki.artifactKey().publicKeyDer()));
    link.telemetryTrust()
        .ifPresent(
            trust -> welcome.setTelemetryTls(TelemetryTls.newBuilder().setAuthoritiesPem(trust)));
    return CoordinatorMessage.newBuilder().setWelcome(welcome).build();
  }

  /** The device's next certificate; nothing while the one that it has lasts. */
  private ByteString renewal(DeviceId device, X509Certificate certificate) {
    try {
      Optional<X509Certificate> next = pki.authority().renewal(certificate, device.value());
      return next.isPresent() ? DeviceMapper.bytes(next.get().getEncoded()) : ByteString.EMPTY;
    } catch (GeneralSecurityException e) {
      // It may come with the next session; this one is not worth less.
      LOG.warn("the certificate of {} could not be renewed: {}", device, e.getMessage());
      return ByteString.EMPTY;
    }
  }

  /** Stores a report; its acknowledgement may be sent when this has returned. */
  CoordinatorMessage report(DeviceId device, io.stillhouse.proto.device.v1.Report wire) {
    records.pace().count(device);
    Report report = DeviceMapper.report(device, wire);
    states().report(report, DeviceMapper.selfTest(wire));
    return DeviceMapper.ack(report.mark());
  }

  void heartbeat(DeviceId device, Heartbeat wire) {
    states().heard(device, DeviceMapper.heartbeat(wire, clock.instant()));
  }

  private static CoordinatorException refused(String why) {
    return new CoordinatorException(
        ErrorCategory.UNAUTHENTICATED,
        "cannot serve this device",
        why,
        "enrol it with a new token");
  }
}
