package io.stillhouse.server;

import io.micrometer.core.instrument.binder.grpc.MetricCollectingServerInterceptor;
import io.stillhouse.server.artifact.ArtifactPackager;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.broker.KafkaAccess;
import io.stillhouse.server.broker.Topics;
import io.stillhouse.server.config.CoordinatorConfig;
import io.stillhouse.server.device.DeviceLink;
import io.stillhouse.server.device.DeviceServer;
import io.stillhouse.server.device.Enrolment;
import io.stillhouse.server.device.RegisteredDevices;
import io.stillhouse.server.device.SessionRounds;
import io.stillhouse.server.device.Sessions;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.metrics.ArtifactBytes;
import io.stillhouse.server.metrics.CoordinatorMetrics;
import io.stillhouse.server.operator.OperatorServer;
import io.stillhouse.server.operator.OperatorServices;
import io.stillhouse.server.operator.OperatorSettings;
import io.stillhouse.server.operator.Probes;
import io.stillhouse.server.remote.LocalLab;
import io.stillhouse.server.remote.RemoteWorkplace;
import io.stillhouse.server.rollout.EngineRollouts;
import io.stillhouse.server.rollout.RolloutDefaults;
import io.stillhouse.server.rollout.RolloutEngine;
import io.stillhouse.server.service.LabClaims;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.DeviceStates;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.Retention;
import io.stillhouse.server.storage.Rollouts;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.telemetry.FleetHealthReader;
import io.stillhouse.server.telemetry.TelemetryStreams;
import io.stillhouse.server.telemetry.TelemetryWaveHealth;
import io.stillhouse.server.training.LabFiles;
import io.stillhouse.server.training.LabJobs;
import io.stillhouse.server.training.LabModels;
import io.stillhouse.server.training.LabSupervisor;
import io.stillhouse.server.training.WorkerCommand;
import io.stillhouse.server.training.WorkerProcess;
import io.stillhouse.server.training.Workplace;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running coordinator. Parts start in the order in which they need each other and stop in the
 * reverse one: people first, so that nobody is answered by half a coordinator; the record last.
 */
public final class Coordinator implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);
  private static final long VERTX_STOP_SECONDS_MAX = 10;
  private static final Duration CATCH_UP_MAX = Duration.ofSeconds(30);
  private static final Duration FIRST_BEAT_MAX = Duration.ofSeconds(30);
  private static final String DATABASE = "database";

  private final CoordinatorConfig config;
  private final Chance chance;
  private final RunningParts parts;
  private final CoordinatorMetrics metrics = new CoordinatorMetrics();
  private final FleetHealth health = new FleetHealth();
  private final DataDirectory data;
  private final Endpoints endpoints;
  private final Stored stored;
  private final TelemetryBroker broker;

  /** The state of record and what reads and writes it. */
  private record Stored(
      Database database,
      InstantSource clock,
      DeviceTable devices,
      DeviceStates states,
      ModelCatalogue models,
      JobTable jobs,
      Audit audit,
      String holder) {}

  /** The rollout engine and what operators see of it. */
  private record Engine(RolloutEngine engine, EngineRollouts service) {}

  /**
   * Starts everything and returns once everything serves.
   *
   * @throws io.stillhouse.server.failure.CoordinatorException when a part cannot start; those that
   *     had started are stopped again
   */
  public static Coordinator start(CoordinatorConfig config, Path dataDirectory, Chance chance) {
    OperatorSettings operators =
        new OperatorSettings(
            config.http().host(),
            config.http().port(),
            config.http().allowedHosts(),
            config.operatorToken());
    DataDirectory data = DataDirectory.open(dataDirectory);
    RunningParts parts = new RunningParts(chance.nanos());
    parts.add("data directory", data);
    try {
      Coordinator coordinator = new Coordinator(config, data, parts, chance);
      coordinator.startAll(operators);
      // Only what worked is remembered.
      coordinator.endpoints.write(config, data.root());
      return coordinator;
    } catch (RuntimeException e) {
      parts.close();
      throw e;
    }
  }

  private Coordinator(
      CoordinatorConfig config, DataDirectory data, RunningParts parts, Chance chance) {
    this.config = config;
    this.chance = chance;
    this.data = data;
    this.parts = parts;
    this.endpoints = Endpoints.resolve(config, data.root());
    this.stored = openStored();
    this.broker = new TelemetryBroker(config.kafka(), data.folder("kafka"), endpoints, parts);
  }

  private Stored openStored() {
    CoordinatorConfig.Database at = config.database();
    Database database =
        Database.open(
            at.url().isEmpty()
                ? Database.Address.embedded(data.folder("db"))
                : new Database.Address(at.url(), at.user(), at.password()));
    parts.add(DATABASE, database);
    InstantSource clock = database.storeClock(chance.nanos());
    parts.add("retention", Retention.start(database, clock));
    byte[] unique = new byte[8];
    chance.random().nextBytes(unique);
    String holder = "coordinator-" + HexFormat.of().formatHex(unique);
    return new Stored(
        database,
        clock,
        new DeviceTable(database, clock),
        new DeviceStates(database, clock),
        new ModelCatalogue(database, clock),
        new JobTable(database, clock, holder),
        new Audit(database, clock),
        holder);
  }

  private void startAll(OperatorSettings operators) {
    Pki pki = Pki.open(data.folder("pki"), certificateHosts(), chance.clock(), chance.random());
    // The longest start of all goes on while the others start.
    TelemetryStreams streams = startTelemetry(pki);
    parts.watch(DATABASE, stored.database()::ask);
    ArtifactStore artifacts = new ArtifactStore(data.folder("artifacts"));
    Sessions sessions = new Sessions();
    Enrolment enrolment = new Enrolment(stored.devices(), pki, stored.clock(), chance.random());
    startDevices(
        new DeviceServer.Parts(stored.devices(), stored.states(), artifacts, sessions),
        pki,
        enrolment);
    Engine engine = startEngine(sessions, artifacts);
    LabClaims claims =
        startLab(
            new ArtifactPackager(artifacts, pki.artifactKey(), stored.models(), stored.clock()));
    OperatorServices services =
        new OperatorServices(
            new RegisteredDevices(
                enrolment,
                new RegisteredDevices.Sources(
                    stored.devices(), stored.states(), stored.models(), stored.audit()),
                sessions,
                heartbeat(),
                stored.clock()),
            new LabModels(stored.jobs(), stored.models(), stored.devices(), artifacts),
            new OperatorServices.Lab(new LabJobs(stored.jobs()), claims),
            engine.service(),
            health);
    startOperators(operators, services);
    streams.awaitRunning();
    parts.awaitFirstBeats(FIRST_BEAT_MAX);
  }

  private TelemetryStreams startTelemetry(Pki pki) {
    parts.add("metrics", metrics);
    KafkaAccess access = broker.start(pki, stored.devices()::revoked);
    TelemetryStreams streams =
        new TelemetryStreams(
            access,
            data.instance(chance.random()),
            data.folder("kafka").resolve("streams"),
            metrics::telemetryRefused);
    parts.add("telemetry", streams);
    metrics.watch(streams.start().streams());
    parts.show("telemetry", streams::healthy);
    FleetHealthReader reader = new FleetHealthReader(health, access, metrics::watch).start();
    parts.add("fleet health", reader);
    parts.show("fleetHealth", reader::healthy);
    if (!reader.awaitCaughtUp(CATCH_UP_MAX)) {
      LOG.warn("fleet health is still being read; /healthz says so until it is there");
    }
    metrics.watch(health);
    return streams;
  }

  private void startDevices(DeviceServer.Parts served, Pki pki, Enrolment enrolment) {
    DeviceServer server =
        DeviceServer.start(
            new InetSocketAddress(config.grpc().host(), endpoints.grpcPort()),
            served,
            new DeviceServer.Identity(
                pki,
                enrolment,
                new DeviceLink(
                    heartbeat(),
                    endpoints.kafkaBootstrap(config),
                    Topics.TELEMETRY,
                    broker.trust())),
            new DeviceServer.Time(stored.clock(), chance.nanos()),
            List.of(
                new MetricCollectingServerInterceptor(metrics.registry()),
                new ArtifactBytes(metrics.registry())));
    parts.add("devices", server);
    parts.watch("devices", server::ask);
    parts.add("sessions", SessionRounds.start(served.states(), served.sessions(), stored.clock()));
  }

  private Engine startEngine(Sessions sessions, ArtifactStore artifacts) {
    Lease lease = new Lease(stored.database(), stored.clock(), "rollouts", stored.holder());
    RolloutEngine.Sources sources =
        new RolloutEngine.Sources(
            new Rollouts(stored.database(), stored.clock(), lease),
            stored.states(),
            stored.models(),
            artifacts,
            new TelemetryWaveHealth(health));
    RolloutEngine engine = new RolloutEngine(sources, lease, sessions::tell, chance.nanos());
    CoordinatorConfig.Rollout defaults = config.rollout();
    EngineRollouts service =
        new EngineRollouts(
            sources,
            new EngineRollouts.Surroundings(
                stored.devices(),
                stored.audit(),
                stored.clock(),
                engine::wake,
                engine::listeningSince),
            new RolloutDefaults(
                defaults.waves(),
                Duration.ofSeconds(defaults.soakSeconds()),
                Duration.ofSeconds(defaults.probationSeconds()),
                Duration.ofSeconds(defaults.waveDeadlineSeconds()),
                heartbeat()));
    engine.start();
    parts.add("rollouts", engine);
    metrics.watchFailures(engine::failures);
    parts.show("rollouts", engine.pulse());
    return new Engine(engine, service);
  }

  private LabClaims startLab(ArtifactPackager packager) {
    CoordinatorConfig.Lab lab = config.lab();
    Duration timeLimit = Duration.ofMinutes(lab.timeLimitMinutes());
    RemoteWorkplace remote = new RemoteWorkplace(timeLimit, chance.nanos(), chance.random());
    Workplace here =
        new WorkerProcess(
            WorkerCommand.ofThisJvm(
                new WorkerCommand.Limits(lab.heapMiB(), lab.memoryMiB(), timeLimit)),
            chance.nanos());
    LabSupervisor supervisor =
        new LabSupervisor(
            stored.jobs(),
            new Lease(stored.database(), stored.clock(), "lab", stored.holder()),
            new LabFiles(
                data.folder("models"), lab.threads(), stored.models(), packager, stored.audit()),
            new LabSupervisor.WorkerPlace(
                lab.remoteWorkers() ? remote : here, timeLimit, data.folder("jobs")),
            chance.nanos());
    supervisor.start();
    parts.add("lab", supervisor);
    parts.show("lab", supervisor.pulse());
    return lab.remoteWorkers() ? remote : new LocalLab();
  }

  private void startOperators(OperatorSettings operators, OperatorServices services) {
    metrics.watch(
        services.devices(),
        services.rollouts(),
        services.lab().jobs(),
        () -> parts.serves(DATABASE));
    Vertx vertx =
        Vertx.builder()
            .with(
                new VertxOptions()
                    .setEventLoopPoolSize(2)
                    .setMetricsOptions(new MicrometerMetricsOptions().setEnabled(true)))
            .withMetrics(new MicrometerMetricsFactory(metrics.registry()))
            .build();
    parts.add(
        "event loops",
        () ->
            vertx
                .close()
                .toCompletionStage()
                .toCompletableFuture()
                .get(VERTX_STOP_SECONDS_MAX, TimeUnit.SECONDS));
    OperatorServer server =
        OperatorServer.start(
            vertx,
            new OperatorSettings(
                operators.host(),
                endpoints.httpPort(),
                operators.allowedHosts(),
                operators.token()),
            services,
            new Probes(parts::health, metrics::scrape));
    parts.add("operators", server);
  }

  private Duration heartbeat() {
    return Duration.ofSeconds(config.grpc().heartbeatSeconds());
  }

  private List<String> certificateHosts() {
    List<String> hosts = new ArrayList<>(config.grpc().names());
    if (!config.grpc().host().equals("0.0.0.0") && !config.grpc().host().equals("::")) {
      hosts.add(config.grpc().host());
    }
    return hosts;
  }

  /** One line per endpoint, for people. */
  public List<String> endpointLines() {
    return List.of(
        "operators  http://%s:%d".formatted(config.http().host(), endpoints.httpPort()),
        "devices    %s:%d (gRPC, TLS)".formatted(config.grpc().host(), endpoints.grpcPort()),
        "telemetry  %s (Kafka%s%s)"
            .formatted(
                endpoints.kafkaBootstrap(config),
                config.kafka().embedded() ? ", embedded" : "",
                config.kafka().devicesUseTls() ? ", TLS" : ""),
        "data       " + data.root());
  }

  /** One line for each thing in the configuration that works, but hardly as it is meant. */
  public List<String> warnings() {
    return Stream.of(endpoints.unreachableTelemetry(config), endpoints.openTelemetry(config))
        .flatMap(Optional::stream)
        .toList();
  }

  /** Stops everything in good order; what cannot stop is logged and left behind. Idempotent. */
  @Override
  public void close() {
    parts.close();
  }
}
