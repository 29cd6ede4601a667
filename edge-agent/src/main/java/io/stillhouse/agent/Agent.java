package io.stillhouse.agent;

import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.ManifestVerifier;
import io.stillhouse.agent.artifact.Slots;
import io.stillhouse.agent.artifact.Staging;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.health.ProcessTrials;
import io.stillhouse.agent.inference.HostSettings;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.inference.OnnxModelHost;
import io.stillhouse.agent.link.CoordinatorLink;
import io.stillhouse.agent.link.Identity;
import io.stillhouse.agent.link.IdentityKeeper;
import io.stillhouse.agent.link.IdentityStore;
import io.stillhouse.agent.link.LinkException;
import io.stillhouse.agent.link.LinkListener;
import io.stillhouse.agent.link.Stamps;
import io.stillhouse.agent.link.Welcomed;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.serving.InferenceServer;
import io.stillhouse.agent.telemetry.Clocks;
import io.stillhouse.agent.telemetry.KafkaTarget;
import io.stillhouse.agent.telemetry.Telemetry;
import io.stillhouse.agent.telemetry.TelemetryIdentity;
import io.stillhouse.agent.telemetry.TelemetrySettings;
import io.stillhouse.agent.update.UpdateListener;
import io.stillhouse.agent.update.Updater;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running agent: the parts and how they hear of each other, and nothing else. Inference and the
 * spool work whether or not there is a coordinator, so they start first and end last.
 */
final class Agent implements AutoCloseable, LinkListener, UpdateListener {
  static final String VERSION = "0.1.0";

  private static final Logger log = LoggerFactory.getLogger(Agent.class);

  /** Three rounds of measuring on the slowest board count towards it. */
  private static final Duration SELF_TEST_MAX = Duration.ofSeconds(90);

  private final Device device;
  private final Journal journal;
  private final FlooredClock clock;
  private final Notices notices;
  private final ModelHost host;
  private final Telemetry telemetry;
  private final InferenceServer rest;
  private final CoordinatorLink link;
  private final Updater updater;
  private volatile ManifestVerifier verifier;
  private final LifeEvents events = new LifeEvents();

  /** The device that an agent runs on. */
  record Device(Identity identity, DeviceProfile profile, AgentConfig config, Layout layout) {}

  /**
   * Loads what ran before and begins to serve it.
   *
   * @param disk whatever it refuses, a model that is on it answers
   * @throws IOException when the REST port is taken
   */
  Agent(Device device, Disk disk, Stamps stamps, RandomGenerator random)
      throws IOException, GeneralSecurityException, LinkException {
    this.device = device;
    Layout layout = device.layout();
    this.journal = new Journal(disk, layout.journal());
    this.clock = new FlooredClock(stamps.wall(), Instant.EPOCH);
    this.notices = new Notices(disk, layout);
    int threads = device.profile().limits().inferenceThreads();
    this.host = new OnnxModelHost(HostSettings.withThreads(threads), stamps.nanoTicker());
    this.telemetry =
        Telemetry.start(
            new TelemetrySettings(
                layout.spool(),
                device.config().telemetry().spoolBytesMax(),
                device.config().telemetry().window()),
            new TelemetryIdentity(device.identity().deviceId(), stamps.bootId()),
            host,
            new Clocks(clock, stamps.nanoTicker()),
            random);
    this.rest = InferenceServer.start(device.config().rest(), host, VERSION);
    notices.port(rest.port());
    this.verifier = verifier(device);
    IdentityStore store = new IdentityStore(disk, layout.identity());
    this.link =
        CoordinatorLink.of(
            new IdentityKeeper(store, device.identity()), device.profile(), stamps, random);
    Slots slots = new Slots(disk, layout);
    this.updater =
        new Updater(
            new Updater.Store(
                journal,
                slots,
                new Staging(disk, layout, slots, device.config().artifact().storageBytesMax())),
            new Updater.Ports(link.source(), () -> verifier, trials(threads, stamps), host, this),
            new Updater.Timing(stamps.nanoTicker(), random));
  }

  private static ManifestVerifier verifier(Device device) throws GeneralSecurityException {
    List<byte[]> keys =
        device.identity().artifactKeys().stream().map(PublicKey::getEncoded).toList();
    return new ManifestVerifier(
        keys,
        new ManifestVerifier.DeviceTerms(
            device.identity().place().hardwareClass(),
            device.profile().board().architecture(),
            device.profile().runtime(),
            device.profile().limits().model().fileBytesMax()));
  }

  private ProcessTrials trials(int threads, Stamps stamps) {
    return new ProcessTrials(
        host,
        new ProcessTrials.Settings(
            threads,
            device.layout().nativeLibrary(),
            device.profile().limits().model(),
            this::abandoned,
            SELF_TEST_MAX),
        stamps.nanoTicker());
  }

  private boolean abandoned() {
    return updater.abandoned();
  }

  /** Runs until {@link #stop} is called. */
  void run() throws InterruptedException {
    updater.boot();
    clock.raise(journal.timeFloor());
    telemetry.event("boot", "agent " + VERSION, running());
    link.start(this);
    log.info(
        "device {} serves inference on {}:{}",
        device.identity().deviceId(),
        device.config().rest().host(),
        rest.port());
    updater.run();
  }

  /** Where inference is served. */
  int port() {
    return rest.port();
  }

  /** Asks {@link #run} to return. */
  void stop() {
    updater.stop();
  }

  private String running() {
    return updater.running().map(Digest::sha256Hex).orElse("");
  }

  @Override
  public void welcomed(Welcomed welcome) {
    clock.raise(welcome.storeTime());
    if (!welcome.hardwareClass().isBlank()) {
      verifier = verifier.forClass(welcome.hardwareClass());
    }
    if (!welcome.telemetryBootstrap().isBlank() && !welcome.telemetryTopic().isBlank()) {
      telemetry.sendTo(
          new KafkaTarget(
              welcome.telemetryBootstrap(), welcome.telemetryTopic(), welcome.telemetryTls()));
    }
    updater.wake();
  }

  @Override
  public void wished(Desired desired) {
    updater.wish(desired);
  }

  @Override
  public void recorded(UpdateState state, Optional<Digest> running) {
    link.report(state, running);
    notices.state(device.identity().deviceId(), state, host.live());
    events
        .of(state.phase())
        .ifPresent(kind -> telemetry.event(kind, detail(state), artifact(state)));
  }

  @Override
  public void lookedAround() {
    notices.retry();
  }

  private static String detail(UpdateState state) {
    return state.evidence().refusal().map(r -> r.reason() + ": " + r.detail()).orElse("");
  }

  private static String artifact(UpdateState state) {
    return state.desired().artifact().map(Digest::sha256Hex).orElse("");
  }

  @Override
  public void close() {
    link.close();
    rest.close();
    telemetry.close();
    host.close();
  }
}
