package io.stillhouse.agent.link;

import io.grpc.ManagedChannel;
import io.stillhouse.agent.artifact.ArtifactSource;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.reconcile.Backoff;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.proto.device.v1.HardwareProfile;
import io.stillhouse.proto.device.v1.Hello;
import io.stillhouse.proto.device.v1.Report;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds a session with the coordinator for as long as the agent lives: dials, says what this device
 * is and runs, repeats reports until they are acknowledged, and dials again after any failure, with
 * full jitter and without ever giving up. Nothing here decides anything.
 *
 * <p>Thread-safe. One thread of its own does all sending.
 */
public final class CoordinatorLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CoordinatorLink.class);
  private static final Backoff REDIAL = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(60));
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

  private final IdentityKeeper identity;
  private final HardwareProfile profile;
  private final Stamps stamps;
  private final RandomGenerator random;
  private final Outbox outbox = new Outbox();
  private final GrpcSource source;
  private final Thread thread = new Thread(this::run, "link");

  // Guarded by this.
  private Identity shown;
  private ManagedChannel channel;
  private UpdateState state = UpdateState.FRESH;
  private Optional<Digest> running = Optional.empty();
  private Optional<LinkSession> session = Optional.empty();
  private Optional<LinkListener> listener = Optional.empty();
  private boolean closed;

  /**
   * Prepares a link; nothing is dialled before {@link #start}.
   *
   * @throws LinkException when the identity cannot be used for TLS
   */
  public static CoordinatorLink of(
      IdentityKeeper identity, DeviceProfile profile, Stamps stamps, RandomGenerator random)
      throws LinkException {
    try {
      return new CoordinatorLink(identity, profile, stamps, random);
    } catch (SSLException | CertificateException e) {
      throw new LinkException(
          "cannot prepare the link to " + identity.identity().place().coordinator(),
          String.valueOf(e.getMessage()),
          "Enrol this device again, with --replace",
          e);
    }
  }

  private CoordinatorLink(
      IdentityKeeper identity, DeviceProfile profile, Stamps stamps, RandomGenerator random)
      throws SSLException, CertificateException {
    this.identity = identity;
    this.shown = identity.identity();
    this.channel = Channels.of(shown);
    this.profile = LinkMapper.profile(profile);
    this.stamps = stamps;
    this.random = random;
    this.source = new GrpcSource(this::channel, this::connected);
    this.thread.setDaemon(true);
  }

  /** Begins to dial. */
  public void start(LinkListener told) {
    synchronized (this) {
      listener = Optional.of(told);
    }
    thread.start();
  }

  /** Where manifests and chunks come from while a session stands. */
  public ArtifactSource source() {
    return source;
  }

  public synchronized boolean connected() {
    return session.map(LinkSession::welcomed).orElse(false);
  }

  /** Queues a report of the state on record; it is repeated until it is acknowledged. */
  public synchronized void report(UpdateState onRecord, Optional<Digest> answering) {
    state = onRecord;
    running = answering;
    outbox.add(stamped(LinkMapper.report(onRecord, answering)));
    notifyAll();
  }

  private void run() {
    int failures = 0;
    while (!isClosed()) {
      showIdentity();
      LinkSession current = open();
      String ending = current.hold();
      synchronized (this) {
        session = Optional.empty();
      }
      if (isClosed()) {
        return;
      }
      failures = current.welcomed() ? 1 : failures + 1;
      Duration pause = REDIAL.delay(failures, random);
      log.info("no session: {}; dialling again in {} ms", ending, pause.toMillis());
      rest(pause);
    }
  }

  private synchronized ManagedChannel channel() {
    return channel;
  }

  /** Dials with the certificate of now; a channel keeps the one that it was made with. */
  private synchronized void showIdentity() {
    Identity now = identity.identity();
    if (!now.equals(shown)) {
      try {
        ManagedChannel fresh = Channels.of(now);
        channel.shutdown(); // downloads under way end by themselves
        channel = fresh;
        shown = now;
      } catch (SSLException | CertificateException e) {
        log.warn("the renewed certificate cannot be shown: {}", e.getMessage());
      }
    }
    // The channel's own waiting would come on top of ours.
    channel.resetConnectBackoff();
  }

  /** The identity by which the present session was opened. */
  synchronized Identity shown() {
    return shown;
  }

  /** Takes a new certificate; what sends must not wait for the disk. */
  void offered(byte[] certificateDer) {
    Thread keeping = new Thread(() -> identity.offered(certificateDer), "identity");
    keeping.setDaemon(true);
    keeping.start();
  }

  private synchronized LinkSession open() {
    LinkSession opened =
        new LinkSession(
            this,
            outbox,
            stamps,
            listener.orElseThrow(() -> new IllegalStateException("not started")));
    session = Optional.of(opened);
    opened.open(
        channel,
        Hello.newBuilder()
            .setProfile(profile)
            .setAgentVersion(stamps.agentVersion())
            .setBootId(stamps.bootId())
            .setState(stamped(LinkMapper.report(state, running)).setSeq(outbox.nextSeq()))
            .build());
    return opened;
  }

  private Report.Builder stamped(Report.Builder report) {
    return report
        .setBootId(stamps.bootId())
        .setSinceBootMillis(stamps.sinceBootMillis())
        .setWallEpochMillis(stamps.wall().millis());
  }

  /** What a heartbeat says. */
  record Standing(UpdateState state, Optional<Digest> running) {}

  synchronized Standing standing() {
    return new Standing(state, running);
  }

  synchronized boolean isClosed() {
    return closed;
  }

  private void rest(Duration pause) {
    long until = stamps.nanoTicker().getAsLong() + pause.toNanos();
    synchronized (this) {
      long left = until - stamps.nanoTicker().getAsLong();
      while (left > 0 && !closed) {
        try {
          wait(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
          closed = true;
        }
        left = until - stamps.nanoTicker().getAsLong();
      }
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      thread.join(CLOSE_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    channel().shutdownNow();
  }
}
