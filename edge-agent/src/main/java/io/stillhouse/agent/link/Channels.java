package io.stillhouse.agent.link;

import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.security.cert.CertificateException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** Opens TLS channels to a coordinator. A channel connects when it is first used. */
final class Channels {
  /** A chunk with its framing, and far above every other message. */
  private static final int MESSAGE_BYTES_MAX = 2 << 20;

  private static final int KEEP_ALIVE_SECONDS = 10;
  private static final int KEEP_ALIVE_TIMEOUT_SECONDS = 5;

  private Channels() {}

  /** A channel of a device that has no certificate yet. */
  static ManagedChannel forEnrolment(Address address, String authoritySha256Hex)
      throws SSLException {
    return open(
        address,
        SslContextBuilder.forClient().trustManager(new PinnedAuthority(authoritySha256Hex)));
  }

  static ManagedChannel of(Identity identity) throws SSLException, CertificateException {
    return open(
        identity.place().coordinator(),
        SslContextBuilder.forClient()
            .trustManager(PinnedAuthority.of(identity.authority()))
            .keyManager(identity.key(), identity.certificate()));
  }

  private static ManagedChannel open(Address address, SslContextBuilder tls) throws SSLException {
    return NettyChannelBuilder.forAddress(address.host(), address.port())
        .sslContext(GrpcSslContexts.configure(tls, SslProvider.JDK).protocols("TLSv1.3").build())
        .maxInboundMessageSize(MESSAGE_BYTES_MAX)
        // A link that died without a word is noticed within seconds, not when TCP gives up.
        .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .build();
  }
}
