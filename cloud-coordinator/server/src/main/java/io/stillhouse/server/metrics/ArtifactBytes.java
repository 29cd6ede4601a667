package io.stillhouse.server.metrics;

import com.google.protobuf.MessageLite;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts the bytes of artifacts that are sent to devices. */
public final class ArtifactBytes implements ServerInterceptor {
  private static final String DOWNLOAD = "Fetch";

  private final Counter served;

  public ArtifactBytes(MeterRegistry registry) {
    this.served =
        Counter.builder("stillhouse.artifact.served")
            .description("Artifact bytes sent to devices, repeated downloads included")
            .baseUnit("bytes")
            .register(registry);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (!DOWNLOAD.equals(call.getMethodDescriptor().getBareMethodName())) {
      return next.startCall(call, headers);
    }
    return next.startCall(
        new SimpleForwardingServerCall<Q, A>(call) {
          @Override
          public void sendMessage(A message) {
            if (message instanceof MessageLite chunk) {
              served.increment(chunk.getSerializedSize());
            }
            super.sendMessage(message);
          }
        },
        headers);
  }
}
