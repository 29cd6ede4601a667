package io.stillhouse.server.device;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Takes a caller's name from its client certificate, which TLS has verified, and from nowhere else.
 * Every call without one is refused, except the one that hands out certificates.
 */
final class PeerIdentity implements ServerInterceptor {
  /** Who calls, and the certificate that says so. */
  record Peer(DeviceId device, X509Certificate certificate) {
    String keySha256() {
      return Digest.of(certificate.getPublicKey().getEncoded()).sha256Hex();
    }
  }

  static final Context.Key<Peer> PEER = Context.key("stillhouse-device");

  private static final String SUBJECT = "CN=";

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    if (method.equals(DeviceServiceGrpc.getEnrollMethod().getFullMethodName())) {
      return next.startCall(call, headers);
    }
    Optional<Peer> peer = peer(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
    if (peer.isEmpty()) {
      call.close(
          Status.UNAUTHENTICATED.withDescription(
              "no device certificate: enrol this device with a token first"),
          new Metadata());
      return new ServerCall.Listener<>() {};
    }
    return Contexts.interceptCall(
        Context.current().withValue(PEER, peer.get()), call, headers, next);
  }

  private static Optional<Peer> peer(@Nullable SSLSession session) {
    if (session == null) {
      return Optional.empty();
    }
    try {
      Certificate[] chain = session.getPeerCertificates();
      if (chain.length == 0 || !(chain[0] instanceof X509Certificate certificate)) {
        return Optional.empty();
      }
      String subject = certificate.getSubjectX500Principal().getName();
      if (!subject.startsWith(SUBJECT)) {
        return Optional.empty();
      }
      return Optional.of(new Peer(new DeviceId(subject.substring(SUBJECT.length())), certificate));
    } catch (SSLPeerUnverifiedException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
