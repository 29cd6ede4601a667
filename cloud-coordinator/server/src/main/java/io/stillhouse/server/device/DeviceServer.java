package io.stillhouse.server.device;

import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC server on the devices' port: TLS 1.3, client certificates for all but enrolment, health
 * and reflection beside the device service.
 *
 * <p>Handlers run on their own pool, since they wait for the database and netty's event loops must
 * not. The pool's queue needs no bound of its own: a stream has one message in work at a time and a
 * connection has few streams, so it never holds more entries than there are streams.
 */
public final class DeviceServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceServer.class);
  private static final int HANDLER_THREADS = 8;

  /** Far above a hello with its profile, which is the largest message a device sends. */
  private static final int MESSAGE_BYTES_MAX = 1 << 20;

  private static final int METADATA_BYTES_MAX = 16 << 10;
  private static final int CALLS_PER_CONNECTION_MAX = 16;

  /** Far below the nine months in which a certificate can be renewed. */
  private static final int CONNECTION_DAYS_MAX = 30;

  private static final int FLOW_WINDOW_BYTES = 1 << 20;
  private static final int ACCEPT_BACKLOG = 4_096;

  /** How long a call may wait for a free handler before devices count as not served. */
  private static final Duration HANDLER_WAIT = Duration.ofSeconds(4);

  /** How often downloads that stand still are looked for. */
  private static final Duration SWEEP = Duration.ofSeconds(1);

  private final Server server;
  private final ExecutorService handlers;
  private final Sessions sessions;
  private final Downloads downloads;
  private final ScheduledExecutorService sweeper =
      Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "stalled-downloads"));
  private Optional<Future<?>> asked = Optional.empty();

  private DeviceServer(
      Server server, ExecutorService handlers, Sessions sessions, Downloads downloads) {
    this.server = server;
    this.handlers = handlers;
    this.sessions = sessions;
    this.downloads = downloads;
    var scheduled =
        sweeper.scheduleWithFixedDelay(
            this::sweep, SWEEP.toMillis(), SWEEP.toMillis(), TimeUnit.MILLISECONDS);
    LOG.debug("downloads that stand still are looked for every {}: {}", SWEEP, scheduled);
  }

  private void sweep() {
    try {
      downloads.endStalled();
    } catch (RuntimeException e) {
      // The next sweep must not depend on this one.
      LOG.warn("a download that stood still could not be ended: {}", e.getMessage(), e);
    }
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** What the server works on. */
  public record Parts(
      DeviceTable devices, DeviceStates states, ArtifactStore artifacts, Sessions sessions) {}

  /** Who the server is and what it tells devices. */
  public record Identity(Pki pki, Enrolment enrolment, DeviceLink link) {}

  /**
   * The clocks that a server goes by.
   *
   * @param store what is recorded
   * @param nanos monotonic; what is waited for
   */
  public record Time(InstantSource store, LongSupplier nanos) {}

  /**
   * Starts listening.
   *
   * @param address port 0 picks a free one
   * @param interceptors run before ours, e.g. metrics
   * @throws CoordinatorException when the port is taken or TLS cannot be set up
   */
  public static DeviceServer start(
      InetSocketAddress address,
      Parts parts,
      Identity identity,
      Time time,
      List<ServerInterceptor> interceptors) {
    ExecutorService handlers =
        Executors.newFixedThreadPool(HANDLER_THREADS, task -> daemon(task, "device-call"));
    Downloads downloads = new Downloads(time.nanos());
    SessionDesk desk =
        new SessionDesk(
            new SessionDesk.Records(parts.devices(), parts.states(), new ReportPace(time.nanos())),
            parts.sessions(),
            identity.pki(),
            identity.link(),
            time.store());
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus("", ServingStatus.SERVING);
    try {
      NettyServerBuilder builder =
          NettyServerBuilder.forAddress(address)
              .executor(handlers)
              .sslContext(tls(identity.pki()))
              .handshakeTimeout(10, TimeUnit.SECONDS)
              .flowControlWindow(FLOW_WINDOW_BYTES)
              .maxInboundMessageSize(MESSAGE_BYTES_MAX)
              .maxInboundMetadataSize(METADATA_BYTES_MAX)
              .maxConcurrentCallsPerConnection(CALLS_PER_CONNECTION_MAX)
              .keepAliveTime(30, TimeUnit.SECONDS)
              .keepAliveTimeout(15, TimeUnit.SECONDS)
              .permitKeepAliveTime(5, TimeUnit.SECONDS)
              .permitKeepAliveWithoutCalls(true)
              .maxConnectionIdle(5, TimeUnit.MINUTES)
              // Certificates are looked at, and renewed, when a session begins.
              .maxConnectionAge(CONNECTION_DAYS_MAX, TimeUnit.DAYS)
              .maxConnectionAgeGrace(1, TimeUnit.MINUTES)
              .withOption(io.netty.channel.ChannelOption.SO_BACKLOG, ACCEPT_BACKLOG)
              .addService(
                  new DeviceEndpoint(identity.enrolment(), desk, parts.artifacts(), downloads))
              .addService(health.getHealthService())
              .addService(ProtoReflectionServiceV1.newInstance());
      // The interceptor that is added last runs first.
      builder.intercept(new PeerIdentity());
      interceptors.forEach(builder::intercept);
      return new DeviceServer(builder.build().start(), handlers, parts.sessions(), downloads);
    } catch (IOException e) {
      handlers.shutdownNow();
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot listen for devices on " + address,
          rootMessage(e),
          "stop what uses the port, or set another grpc.port",
          e);
    }
  }

  private static SslContext tls(Pki pki) throws SSLException {
    // The authority's certificate travels along, so that an agent can pin it by its hash.
    return GrpcSslContexts.configure(
            SslContextBuilder.forServer(
                    pki.server().key(), pki.server().certificate(), pki.authority().certificate())
                .trustManager(pki.authority().certificate())
                .clientAuth(ClientAuth.OPTIONAL)
                .protocols("TLSv1.3"))
        .build();
  }

  /** Downloads under way, without those that were ended for standing still. */
  public int downloads() {
    return downloads.running();
  }

  /** The port that it listens on. */
  public int port() {
    return server.getPort();
  }

  /** Returns once a handler was free; throws when none becomes so, or when it has stopped. */
  public synchronized void ask() throws InterruptedException, ExecutionException, TimeoutException {
    if (server.isShutdown()) {
      throw new IllegalStateException("the server for devices has stopped");
    }
    // One that still waits is asked on, so that handlers that hang are not given ever more to do.
    Future<?> answer = asked.orElseGet(() -> handlers.submit(() -> {}));
    asked = Optional.of(answer);
    answer.get(HANDLER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    asked = Optional.empty();
  }

  /** Ends every stream; devices come back with jitter. */
  @Override
  public void close() {
    sweeper.shutdownNow();
    LOG.info("closing {} device sessions", sessions.count());
    server.shutdownNow();
    try {
      // Streams end on the handlers' pool, so it goes after the server.
      boolean ended = server.awaitTermination(10, TimeUnit.SECONDS);
      handlers.shutdown();
      if (!ended || !handlers.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("device calls were cut off");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }
}
