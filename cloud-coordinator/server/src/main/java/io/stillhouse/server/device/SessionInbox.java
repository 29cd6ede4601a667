package io.stillhouse.server.device;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.server.storage.DeviceTable.Enrolled;
import java.security.cert.X509Certificate;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The receiving half of one device's stream. gRPC calls it serially. */
final class SessionInbox implements StreamObserver<DeviceMessage> {
  private final PeerIdentity.@Nullable Peer peer;
  private final SessionDesk desk;
  private final ServerCallStreamObserver<CoordinatorMessage> out;
  private volatile @Nullable Session session;

  SessionInbox(
      PeerIdentity.@Nullable Peer peer,
      SessionDesk desk,
      ServerCallStreamObserver<CoordinatorMessage> out) {
    this.peer = peer;
    this.desk = desk;
    this.out = out;
  }

  @Override
  public void onNext(DeviceMessage message) {
    Session open = session;
    try {
      if (open == null) {
        begin(message);
        return;
      }
      switch (message.getBodyCase()) {
        case HEARTBEAT -> {
          desk.heartbeat(open.device(), message.getHeartbeat());
          open.answer(Optional.empty());
        }
        case REPORT -> open.answer(Optional.of(desk.report(open.device(), message.getReport())));
        case HELLO ->
            throw new IllegalArgumentException("a second hello (expected: report or heartbeat)");
        // Something that a newer agent says: not understood, not held against it.
        case BODY_NOT_SET -> open.answer(Optional.empty());
      }
    } catch (RuntimeException e) {
      close(Failures.status(e).getStatus());
    }
  }

  private void begin(DeviceMessage message) {
    if (!message.hasHello()) {
      throw new IllegalArgumentException(
          "first message: " + message.getBodyCase() + " (expected: HELLO)");
    }
    Enrolled known = desk.admit(peer);
    X509Certificate certificate = Objects.requireNonNull(peer, "admitted").certificate();
    Device device = known.device();
    CoordinatorMessage welcome = desk.hello(known, certificate, message.getHello());
    Session opened = new Session(device.id(), out);
    opened.answer(Optional.of(welcome));
    session = opened;
    // Entered before the desired state is read, so that a change in between is not missed.
    desk.sessions().enter(opened);
    desk.states().wish(device.id()).ifPresent(opened::tell);
  }

  void ready() {
    Session open = session;
    if (open != null) {
      open.drain();
    }
  }

  void gone() {
    Session open = session;
    if (open != null) {
      open.gone();
      desk.sessions().leave(open);
    }
  }

  @Override
  public void onError(Throwable failure) {
    gone();
  }

  @Override
  public void onCompleted() {
    Session open = session;
    if (open == null) {
      out.onCompleted();
    } else {
      desk.sessions().leave(open);
      open.complete();
    }
  }

  private void close(Status status) {
    Session open = session;
    if (open == null) {
      out.onError(status.asRuntimeException());
    } else {
      desk.sessions().leave(open);
      open.end(status);
    }
  }
}
