package io.stillhouse.system;

import static java.util.Objects.requireNonNull;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.SslContextBuilder;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.link.Identity;
import io.stillhouse.agent.link.IdentityStore;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.CoordinatorMessage;
import io.stillhouse.proto.device.v1.DeviceMessage;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.device.v1.ManifestRequest;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.identity.Pki;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Somebody between one agent and its coordinator, with the keys of both: it passes on the agent's
 * session as it is, and what the agent downloads as a test wants it. Only what is signed can
 * protect the agent from this.
 */
final class DeviceTap implements AutoCloseable {
  /** What is done to downloads; the defaults do nothing. Called on a thread that may block. */
  interface Tampering {
    default SignedManifest manifest(SignedManifest genuine) {
      return genuine;
    }

    /** What is sent in place of one chunk. */
    default List<Chunk> chunk(FetchRequest request, Chunk genuine) {
      return List.of(genuine);
    }
  }

  private final Server server;
  private final ManagedChannel upstream;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  private DeviceTap(World world, Identity agent, Tampering tampering) throws IOException {
    this.upstream =
        NettyChannelBuilder.forAddress(
                agent.place().coordinator().host(), agent.place().coordinator().port())
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forClient()
                            .trustManager(agent.authority())
                            .keyManager(agent.key(), agent.certificate()))
                    .build())
            .build();
    Pki pki =
        Pki.open(
            world.root().resolve("coordinator").resolve("pki"),
            List.of(),
            InstantSource.system(),
            new SecureRandom());
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .executor(threads)
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forServer(
                            pki.server().key(),
                            pki.server().certificate(),
                            pki.authority().certificate()))
                    .build())
            .permitKeepAliveTime(1, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(new Passing(tampering))
            .build()
            .start();
  }

  /** Puts itself before an agent, which dials it from its next start on. */
  static DeviceTap before(World world, AgentProcess agent, Tampering tampering) {
    try {
      Identity identity =
          new IdentityStore(new RealDisk(), new Layout(agent.directory()).identity())
              .load()
              .orElseThrow();
      DeviceTap tap = new DeviceTap(world, identity, tampering);
      agent.dialling("127.0.0.1:" + tap.server.getPort());
      return tap;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    upstream.shutdownNow();
    threads.shutdownNow();
  }

  private final class Passing extends DeviceServiceGrpc.DeviceServiceImplBase {
    private final Tampering tampering;

    Passing(Tampering tampering) {
      this.tampering = tampering;
    }

    @Override
    public StreamObserver<DeviceMessage> session(StreamObserver<CoordinatorMessage> toAgent) {
      return DeviceServiceGrpc.newStub(upstream).session(new PassOn<>(toAgent));
    }

    @Override
    public void getManifest(ManifestRequest request, StreamObserver<SignedManifest> toAgent) {
      try {
        SignedManifest genuine = DeviceServiceGrpc.newBlockingStub(upstream).getManifest(request);
        toAgent.onNext(tampering.manifest(genuine));
        toAgent.onCompleted();
      } catch (StatusRuntimeException e) {
        toAgent.onError(e);
      }
    }

    @Override
    public void fetch(FetchRequest request, StreamObserver<Chunk> toAgent) {
      try {
        Iterator<Chunk> genuine = DeviceServiceGrpc.newBlockingStub(upstream).fetch(request);
        while (genuine.hasNext()) {
          tampering.chunk(request, genuine.next()).forEach(toAgent::onNext);
        }
        toAgent.onCompleted();
      } catch (StatusRuntimeException e) {
        toAgent.onError(e);
      }
    }
  }

  private record PassOn<T>(StreamObserver<T> to) implements StreamObserver<T> {
    @Override
    public void onNext(T message) {
      to.onNext(message);
    }

    @Override
    public void onError(Throwable failure) {
      to.onError(Status.fromThrowable(requireNonNull(failure)).asRuntimeException());
    }

    @Override
    public void onCompleted() {
      to.onCompleted();
    }
  }
}
