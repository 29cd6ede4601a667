package io.stillhouse.agent.link;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.Heartbeat;
import io.stillhouse.proto.device.v1.Hello;
import io.stillhouse.proto.device.v1.Phase;
import io.stillhouse.proto.device.v1.Report;
import io.stillhouse.proto.device.v1.ReportAck;
import io.stillhouse.proto.device.v1.Welcome;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream to the coordinator, from Hello to its end. {@link #hold} runs on the link's thread and
 * sends; messages arrive on gRPC's threads. All state is guarded by the link, whose monitor also
 * wakes the sender.
 */
final class LinkSession implements StreamObserver<CoordinatorMessage> {
  private static final Logger log = LoggerFactory.getLogger(LinkSession.class);

  /** A coordinator that has not said Welcome by then is not one. */
  private static final Duration WELCOME_MAX = Duration.ofSeconds(20);

  private static final long HEARTBEAT_MILLIS_MIN = 100;
  private static final long HEARTBEAT_MILLIS_MAX = Duration.ofMinutes(10).toMillis();

  private final CoordinatorLink link;
  private final Outbox outbox;
  private final Stamps stamps;
  private final LinkListener listener;
  private final long openedNanos;

  // Guarded by the link.
  private StreamObserver<DeviceMessage> out = new NotOpen();
  private boolean welcomed;
  private long heartbeatNanos = WELCOME_MAX.toNanos();
  private String ending = "";

  LinkSession(CoordinatorLink link, Outbox outbox, Stamps stamps, LinkListener listener) {
    this.link = link;
    this.outbox = outbox;
    this.stamps = stamps;
    this.listener = listener;
    this.openedNanos = stamps.nanoTicker().getAsLong();
  }

  void open(ManagedChannel channel, Hello hello) {
    out = DeviceServiceGrpc.newStub(channel).session(this);
    out.onNext(DeviceMessage.newBuilder().setHello(hello).build());
  }

  boolean welcomed() {
    synchronized (link) {
      return welcomed;
    }
  }

  /** Sends reports and heartbeats until the stream or the link ends; returns why it ended. */
  String hold() {
    long sentSeq = 0;
    long nextBeatNanos = openedNanos;
    synchronized (link) {
      while (ending.isEmpty() && !link.isClosed()) {
        long now = stamps.nanoTicker().getAsLong();
        if (!welcomed && now - openedNanos > WELCOME_MAX.toNanos()) {
          ending = "no Welcome within " + WELCOME_MAX.toSeconds() + " s";
        } else if (welcomed) {
          for (Report report : outbox.after(sentSeq)) {
            sentSeq = report.getSeq();
            out.onNext(DeviceMessage.newBuilder().setReport(report).build());
          }
          if (now - nextBeatNanos >= 0) {
            nextBeatNanos = now + heartbeatNanos;
            out.onNext(heartbeat());
          }
        }
        sleepUntil(welcomed ? nextBeatNanos : openedNanos + WELCOME_MAX.toNanos());
      }
      end();
      return ending;
    }
  }

  private void sleepUntil(long nanos) {
    long left = nanos - stamps.nanoTicker().getAsLong();
    // What has come since the checks above must not be slept over: a report adds to the outbox and
    // a message changes the fields under the same monitor, so nothing can come in between.
    if (ending.isEmpty() && left > 0) {
      try {
        link.wait(Math.max(1, left / 1_000_000));
      } catch (InterruptedException e) {
        ending = "interrupted";
      }
    }
  }

  private DeviceMessage heartbeat() {
    CoordinatorLink.Standing standing = link.standing();
    return DeviceMessage.newBuilder()
        .setHeartbeat(
            Heartbeat.newBuilder()
                .setBootId(stamps.bootId())
                .setSeq(outbox.nextSeq())
                .setGeneration(standing.state().desired().generation())
                .setRunningSha256(LinkMapper.hex(standing.running()))
                .setPhase(Phase.valueOf("PHASE_" + standing.state().phase().name())))
        .build();
  }

  private void end() {
    try {
      out.onError(Status.CANCELLED.withDescription("the agent ends the session").asException());
    } catch (IllegalStateException e) {
      log.debug("the stream had ended by itself", e);
    }
  }

  @Override
  public void onNext(CoordinatorMessage message) {
    switch (message.getBodyCase()) {
      case WELCOME -> welcome(message.getWelcome());
      case DESIRED -> {
        try {
          listener.wished(LinkMapper.desired(message.getDesired()));
        } catch (IllegalArgumentException e) {
          log.warn("a desired state that makes no sense is ignored: {}", e.getMessage());
        }
      }
      case REPORT_ACK -> acknowledged(message.getReportAck());
      case BODY_NOT_SET -> log.debug("a message of a kind that this agent does not know");
    }
  }

  private void welcome(Welcome welcome) {
    synchronized (link) {
      welcomed = true;
      heartbeatNanos =
          Duration.ofMillis(
                  Math.max(
                      HEARTBEAT_MILLIS_MIN,
                      Math.min(HEARTBEAT_MILLIS_MAX, welcome.getHeartbeatIntervalMillis())))
              .toNanos();
      link.notifyAll();
    }
    if (!welcome.getCertificateDer().isEmpty()) {
      link.offered(welcome.getCertificateDer().toByteArray());
    }
    listener.welcomed(
        new Welcomed(
            welcome.getTelemetryBootstrap(),
            welcome.getTelemetryTopic(),
            welcome.hasTelemetryTls()
                ? Optional.of(
                    new BrokerTls(link.shown(), welcome.getTelemetryTls().getAuthoritiesPem()))
                : Optional.empty(),
            welcome.getHardwareClass(),
            Instant.ofEpochMilli(welcome.getStoreTimeEpochMillis())));
  }

  private void acknowledged(ReportAck ack) {
    if (ack.getBootId().equals(stamps.bootId())) {
      outbox.acknowledged(ack.getSeq());
    }
  }

  @Override
  public void onError(Throwable failure) {
    ended(LinkMapper.reason(new StatusRuntimeException(Status.fromThrowable(failure))));
  }

  @Override
  public void onCompleted() {
    ended("the coordinator ended the session");
  }

  private void ended(String why) {
    synchronized (link) {
      ending = why.isEmpty() ? "the stream broke" : why;
      link.notifyAll();
    }
  }

  /** The stream before it is opened. */
  private static final class NotOpen implements StreamObserver<DeviceMessage> {
    @Override
    public void onNext(DeviceMessage message) {
      throw new IllegalStateException("the session is not open");
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }
}
