package io.stillhouse.agent.testing;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.stillhouse.agent.artifact.SignedBytes;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.EnrollResponse;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.ManifestRequest;
import io.stillhouse.proto.model.v1.SignedManifest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/** The device port of a coordinator: real TLS and real gRPC, answers as a test wants them. */
public final class FakeCoordinator implements AutoCloseable {
  public static final String TOKEN_SECRET = "one-time-secret-0123456789";
  private static final int WAIT_SECONDS_MAX = 20;

  private final TestAuthority authority = new TestAuthority();
  private final Server server;

  /** Enrolments that arrived, oldest first. */
  public final List<EnrollRequest> enrolments = new ArrayList<>();

  /** What devices said in their sessions, in order. */
  public final BlockingQueue<DeviceMessage> heard = new LinkedBlockingQueue<>();

  /** Sessions as they were opened: where to answer. */
  public final BlockingQueue<StreamObserver<CoordinatorMessage>> sessions =
      new LinkedBlockingQueue<>();

  /** Certificates that sessions were opened with. */
  public final BlockingQueue<X509Certificate> shown = new LinkedBlockingQueue<>();

  /** Chunks that were handed to the transport. */
  public final AtomicInteger chunksSent = new AtomicInteger();

  /** True while the transport takes no more because the receiver asks for none. */
  public volatile boolean heldBack;

  /** Turns true when a receiver ended a stream early. */
  public volatile boolean cancelled;

  private volatile TestBundle bundle = TestBundle.sound(1);
  private volatile boolean endless;
  private volatile TestAuthority named = authority;

  public FakeCoordinator() throws Exception {
    TestAuthority.Leaf leaf = authority.server("127.0.0.1");
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forServer(
                                leaf.key(), leaf.certificate(), authority.certificate())
                            .trustManager(authority.certificate())
                            .clientAuth(ClientAuth.OPTIONAL),
                        SslProvider.JDK)
                    .build())
            .permitKeepAliveTime(1, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(new Service())
            .intercept(new ShownCertificates())
            .build()
            .start();
  }

  public int port() {
    return server.getPort();
  }

  public TestAuthority authority() {
    return authority;
  }

  /** A token as an operator hands it out. */
  public String token() {
    return TOKEN_SECRET + "." + authority.sha256Hex();
  }

  public void offer(TestBundle next) {
    bundle = next;
  }

  /** Names another authority to whoever enrols. */
  public void naming(TestAuthority other) {
    named = other;
  }

  /** Sends the last chunk of a file again and again. */
  public void neverEnding() {
    endless = true;
  }

  /** The next message of a device. */
  public DeviceMessage next() throws InterruptedException {
    DeviceMessage message = heard.poll(WAIT_SECONDS_MAX, TimeUnit.SECONDS);
    if (message == null) {
      throw new AssertionError("no message came");
    }
    return message;
  }

  /** The next message that is no heartbeat. */
  public DeviceMessage nextWord() throws InterruptedException {
    DeviceMessage message = next();
    while (message.hasHeartbeat()) {
      message = next();
    }
    return message;
  }

  /** Where to answer the session that is opened next. */
  public StreamObserver<CoordinatorMessage> session() throws InterruptedException {
    StreamObserver<CoordinatorMessage> session = sessions.poll(WAIT_SECONDS_MAX, TimeUnit.SECONDS);
    if (session == null) {
      throw new AssertionError("no session was opened");
    }
    return session;
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(WAIT_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private final class ShownCertificates implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      if (call.getMethodDescriptor().equals(DeviceServiceGrpc.getSessionMethod())) {
        try {
          SSLSession tls =
              Objects.requireNonNull(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
          shown.add((X509Certificate) tls.getPeerCertificates()[0]);
        } catch (SSLPeerUnverifiedException e) {
          throw new AssertionError(e);
        }
      }
      return next.startCall(call, headers);
    }
  }

  private final class Service extends DeviceServiceGrpc.DeviceServiceImplBase {
    @Override
    public void enroll(EnrollRequest request, StreamObserver<EnrollResponse> out) {
      enrolments.add(request);
      if (!request.getToken().equals(token())) {
        out.onError(
            Status.PERMISSION_DENIED.withDescription("the token is used or expired").asException());
        return;
      }
      try {
        JcaPKCS10CertificationRequest asked =
            new JcaPKCS10CertificationRequest(request.getCsrDer().toByteArray());
        out.onNext(
            EnrollResponse.newBuilder()
                .setDeviceId(request.getDeviceName() + "-1")
                .setCertificateDer(
                    ByteString.copyFrom(
                        authority.device(asked.getPublicKey(), "device").getEncoded()))
                .setCaCertificateDer(ByteString.copyFrom(named.certificate().getEncoded()))
                .setArtifactPublicKeyDer(
                    ByteString.copyFrom(TestBundle.KEYS.getPublic().getEncoded()))
                .setHardwareClass(TestBundle.HARDWARE_CLASS)
                .build());
        out.onCompleted();
      } catch (Exception e) {
        out.onError(Status.INTERNAL.withCause(e).asException());
      }
    }

    @Override
    public StreamObserver<DeviceMessage> session(StreamObserver<CoordinatorMessage> out) {
      sessions.add(out);
      return new StreamObserver<>() {
        @Override
        public void onNext(DeviceMessage message) {
          heard.add(message);
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
      };
    }

    @Override
    public void getManifest(ManifestRequest request, StreamObserver<SignedManifest> out) {
      SignedBytes signed = bundle.signed();
      if (!request.getArtifactSha256().equals(bundle.digest().sha256Hex())) {
        out.onError(
            Status.PERMISSION_DENIED
                .withDescription("this device is not to have it")
                .asException());
        return;
      }
      out.onNext(
          SignedManifest.newBuilder()
              .setManifest(ByteString.copyFrom(signed.manifest()))
              .setSignature(ByteString.copyFrom(signed.signature()))
              .setKeyId(signed.keyId())
              .build());
      out.onCompleted();
    }

    @Override
    public void fetch(FetchRequest request, StreamObserver<Chunk> out) {
      ServerCallStreamObserver<Chunk> call = (ServerCallStreamObserver<Chunk>) out;
      List<byte[]> chunks = bundle.chunks(request.getPath());
      int[] next = {request.getFirstChunk()};
      call.setOnCancelHandler(() -> cancelled = true);
      call.setOnReadyHandler(
          () -> {
            heldBack = false;
            while (call.isReady() && !call.isCancelled() && (endless || next[0] < chunks.size())) {
              int index = next[0]++;
              byte[] data = chunks.get(Math.min(index, chunks.size() - 1));
              call.onNext(
                  Chunk.newBuilder().setIndex(index).setData(ByteString.copyFrom(data)).build());
              chunksSent.incrementAndGet();
            }
            heldBack = !call.isReady();
            if (!endless && next[0] == chunks.size()) {
              next[0]++;
              call.onCompleted();
            }
          });
    }
  }
}
