package io.stillhouse.server.device;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.server.storage.DeviceStates.Wish;
import java.util.Optional;

/**
 * The sending half of one device's stream. A slow device costs a bounded amount of memory: of
 * desired states only the newest waits for it, and its next message is not read before the answer
 * to the last one has gone out. Thread-safe: gRPC's stream is not, so all sending is under this
 * object's lock.
 */
final class Session {
  private final DeviceId device;
  private final ServerCallStreamObserver<CoordinatorMessage> out;
  private Optional<CoordinatorMessage> answer = Optional.empty();
  private Optional<Wish> wish = Optional.empty();
  private long sentGeneration;
  private boolean readNext;
  private boolean closed;

  Session(DeviceId device, ServerCallStreamObserver<CoordinatorMessage> out) {
    this.device = device;
    this.out = out;
  }

  DeviceId device() {
    return device;
  }

  /** Answers a message, then reads the next; an empty answer only reads on. */
  synchronized void answer(Optional<CoordinatorMessage> message) {
    answer = message;
    readNext = true;
    drain();
  }

  /** Tells the device what is wanted; an older wish than the last is ignored. */
  synchronized void tell(Wish newer) {
    boolean waitingIsNewer =
        wish.map(w -> w.state().generation() >= newer.state().generation()).orElse(false);
    if (newer.state().generation() > sentGeneration && !waitingIsNewer) {
      wish = Optional.of(newer);
      drain();
    }
  }

  /** Sends what waits, as far as the device takes it; called when it can take more. */
  synchronized void drain() {
    if (closed) {
      return;
    }
    if (out.isReady() && answer.isPresent()) {
      CoordinatorMessage message = answer.get();
      answer = Optional.empty();
      out.onNext(message);
    }
    if (out.isReady() && wish.isPresent()) {
      Wish next = wish.get();
      wish = Optional.empty();
      sentGeneration = next.state().generation();
      out.onNext(DeviceMapper.desired(next));
    }
    if (readNext && answer.isEmpty()) {
      readNext = false;
      out.request(1);
    }
  }

  synchronized void end(Status status) {
    if (!closed) {
      closed = true;
      out.onError(status.asRuntimeException());
    }
  }

  synchronized void complete() {
    if (!closed) {
      closed = true;
      out.onCompleted();
    }
  }

  /** The stream is gone; there is nothing to close. */
  synchronized void gone() {
    closed = true;
  }
}
