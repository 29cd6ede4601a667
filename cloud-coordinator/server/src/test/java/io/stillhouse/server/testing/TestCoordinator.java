package io.stillhouse.server.testing;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.server.artifact.ArtifactPackager;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.device.DeviceLink;
import io.stillhouse.server.device.DeviceServer;
import io.stillhouse.server.device.Enrolment;
import io.stillhouse.server.device.RegisteredDevices;
import io.stillhouse.server.device.SessionRounds;
import io.stillhouse.server.device.Sessions;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.service.DeviceDirectory;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.Rollouts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** Everything below the engine, on a real port and an embedded database in a directory. */
public final class TestCoordinator implements AutoCloseable {
  /** Of every device that this coordinator is told about. */
  public static final String MODEL = "inspect";

  public final Path directory;
  public final InstantSource clock = InstantSource.system();

  /** How far what is waited for is ahead of this machine. */
  public final AtomicLong nanosAhead = new AtomicLong();

  /** How far the clock is ahead that certificates go by. */
  public final AtomicLong daysAhead = new AtomicLong();

  public final Database database;
  public final DeviceTable devices;
  public final DeviceStates states;
  public final ModelCatalogue models;
  public final ArtifactStore artifacts;
  public final Sessions sessions = new Sessions();
  public final Pki pki;
  public final DeviceDirectory directoryService;
  public final ArtifactPackager packager;
  private final DeviceServer server;
  private final SessionRounds rounds;

  public TestCoordinator(Path directory) {
    this.directory = directory;
    database = Database.open(Database.Address.embedded(directory.resolve("db")));
    devices = new DeviceTable(database, clock);
    states = new DeviceStates(database, clock);
    models = new ModelCatalogue(database, clock);
    artifacts = new ArtifactStore(directory.resolve("artifacts"));
    pki =
        Pki.open(
            directory.resolve("pki"),
            List.of(),
            () -> clock.instant().plus(Duration.ofDays(daysAhead.get())),
            new SecureRandom());
    packager = new ArtifactPackager(artifacts, pki.artifactKey(), models, clock);
    Enrolment enrolment = new Enrolment(devices, pki, clock, new SecureRandom());
    DeviceLink link =
        new DeviceLink(
            Duration.ofSeconds(1), "127.0.0.1:9092", "stillhouse.telemetry.v1", Optional.empty());
    server =
        DeviceServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new DeviceServer.Parts(devices, states, artifacts, sessions),
            new DeviceServer.Identity(pki, enrolment, link),
            new DeviceServer.Time(clock, () -> System.nanoTime() + nanosAhead.get()),
            List.of());
    rounds = SessionRounds.start(states, sessions, clock);
    directoryService =
        new RegisteredDevices(
            enrolment,
            new RegisteredDevices.Sources(devices, states, models, new Audit(database, clock)),
            sessions,
            Duration.ofSeconds(1),
            clock);
  }

  public int downloads() {
    return server.downloads();
  }

  public int port() {
    return server.port();
  }

  public String token() {
    return directoryService
        .issueToken(new DeviceDirectory.TokenRequest(Optional.empty(), Optional.of(Map.of())))
        .token();
  }

  /** An enrolled, connected device. */
  public FakeDevice device(String name) throws Exception {
    return new FakeDevice(port()).enrol(token(), name).connect();
  }

  /** A new version with one variant, for the class of every {@link FakeDevice}. */
  public Variant version(int modelBytes) throws IOException {
    JobTable jobs = new JobTable(database, clock, "fixture");
    JobTable.Job job =
        jobs.submitVersion(
            JobTable.Kind.TRAIN,
            MODEL,
            new Training("d", "n", 1, 1, 1),
            OptionalLong.empty(),
            id -> "{}");
    jobs.claim();
    Path model =
        ModelDirectory.write(
            directory.resolve("model-" + job.target().version()), modelBytes, job.id());
    Variant variant =
        packager.pack(
            model,
            new ArtifactPackager.Target(
                job.target(),
                Fixtures.profile(1).hardwareClass(),
                new DeviceLimits(1, 1 << 26, 1 << 20, Duration.ofMillis(20), true)));
    jobs.finish(
        job.id(),
        new JobTable.Ending(JobTable.State.SUCCEEDED, ""),
        new JobTable.Result(Optional.empty(), List.of(variant)));
    return variant;
  }

  /** Stored rollouts as one engine sees them. */
  public Rollouts rollouts(Lease lease) {
    return new Rollouts(database, clock, lease);
  }

  public Lease lease(String holder) {
    return new Lease(database, clock, "rollouts", holder);
  }

  /** Wants an artifact of a device, as a rollout does. */
  public void want(String device, long generation, Digest artifact) {
    Wishes.write(this, new DeviceId(device), generation, artifact, new RolloutId("ro-fixture"));
  }

  @Override
  public void close() {
    rounds.close();
    server.close();
    database.close();
  }
}
