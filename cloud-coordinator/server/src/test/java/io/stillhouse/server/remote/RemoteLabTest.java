package io.stillhouse.server.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.operator.OperatorServer;
import io.stillhouse.server.operator.OperatorServices;
import io.stillhouse.server.operator.OperatorSettings;
import io.stillhouse.server.operator.Probes;
import io.stillhouse.server.remote.ClaimCalls.LostException;
import io.stillhouse.server.remote.ClaimCalls.RefusedException;
import io.stillhouse.server.service.LabClaims;
import io.stillhouse.server.service.LabClaims.Claim;
import io.stillhouse.server.service.LabClaims.EndRequest;
import io.stillhouse.server.service.LabClaims.Ending;
import io.stillhouse.server.service.LabClaims.ProgressRequest;
import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.StepClock;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.FakeServices;
import io.stillhouse.server.testing.QueuedJobs;
import io.stillhouse.server.training.LabSupervisor;
import io.stillhouse.server.training.LabWork;
import io.stillhouse.server.training.WorkerCommand;
import io.stillhouse.server.training.WorkerProcess;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A queue, its HTTP server, workers on other "machines" and their child JVMs, all of them real. */
class RemoteLabTest {
  private static final String TOKEN = "0123456789abcdef";
  private static final Duration TIME_LIMIT = Duration.ofSeconds(100);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final Vertx vertx = Vertx.vertx();
  private final StepClock clock = new StepClock();
  private final AtomicLong nanos = new AtomicLong();
  private final BlockingQueue<JsonNode> results = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> said = new LinkedBlockingQueue<>();
  private final RemoteWorkplace workplace =
      new RemoteWorkplace(TIME_LIMIT, nanos::get, new SecureRandom());

  @SuppressWarnings("NullAway.Init")
  private Database database;

  @SuppressWarnings("NullAway.Init")
  private OperatorServer server;

  @SuppressWarnings("NullAway.Init")
  private LabSupervisor supervisor;

  @BeforeEach
  void open() {
    database = Database.open(Database.Address.embedded(directory.resolve("db")));
    server = serve(workplace);
    supervisor =
        new LabSupervisor(
            queue().of("one"),
            new Lease(database, clock, "lab", "one"),
            new Work(),
            new LabSupervisor.WorkerPlace(workplace, TIME_LIMIT, directory.resolve("jobs")),
            nanos::get);
    supervisor.start();
  }

  @AfterEach
  void close() throws Exception {
    supervisor.close();
    server.close();
    vertx.close().toCompletionStage().toCompletableFuture().get();
    database.close();
  }

  /** A worker in a thread, on a folder of its own. */
  private final class Machine implements AutoCloseable {
    final RemoteWorker worker;
    private final Thread thread;

    Machine(String name) {
      worker =
          new RemoteWorker(
              calls(TOKEN),
              new WorkerProcess(
                  new WorkerCommand(
                      Path.of(System.getProperty("java.home"), "bin", "java"),
                      System.getProperty("java.class.path"),
                      RemoteLabMain.class.getName(),
                      new WorkerCommand.Limits(32, 256, Duration.ofHours(2))),
                  System::nanoTime),
              new RemoteWorker.Settings(name, directory.resolve(name), 1, Duration.ofMillis(20)),
              System::nanoTime,
              said::add);
      thread = new Thread(this::run, name);
      thread.start();
    }

    private void run() {
      try {
        worker.run();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void close() {
      worker.stop();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void a_job_is_done_elsewhere_with_its_inputs_and_its_result_comes_back() throws Exception {
    Path teacher = Files.createDirectories(directory.resolve("models/teacher"));
    Files.writeString(teacher.resolve("weights"), "of the teacher");
    Job job = queue().submit("done");
    try (Machine machine = new Machine("a")) {
      assertThat(queue().ended(job).run().state())
          .as("%s", said)
          .isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(results.take().path("resumed").asBoolean(true)).isFalse();
      assertThat(directory.resolve("models/out/seen")).hasContent("of the teacher");
      assertThat(queue().now(job).run().progress().step()).isNotEmpty();
      Eventually.holds("both sides are tidy", () -> empty("jobs") && onlyLock("a"));
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void a_refusal_and_a_death_are_told_in_the_words_of_the_worker() {
    Job refused = queue().submit("refuse");
    Job dying = queue().submit("die");
    try (Machine machine = new Machine("b")) {
      assertThat(queue().ended(refused).run().error()).isEqualTo("cannot train: one class; add");
      Job died = queue().ended(dying);
      assertThat(died.run().attempts()).isEqualTo(LabSupervisor.ATTEMPTS_MAX);
      assertThat(died.run().error()).contains("on lab worker b", "exit 137", "some last words");
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void a_cancelled_job_stops_and_the_worker_takes_the_next() {
    Job waiting = queue().submit("wait");
    try (Machine machine = new Machine("c")) {
      queue().progressed(waiting);
      queue().of("other").cancel(waiting.id());
      assertThat(queue().ended(waiting).run().state()).isEqualTo(JobTable.State.CANCELLED);
      assertThat(queue().ended(queue().submit("done")).run().state())
          .isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void a_job_beyond_its_time_limit_is_stopped() {
    Job waiting = queue().submit("wait");
    try (Machine machine = new Machine("d")) {
      queue().progressed(waiting);
      // Not so far that its worker would be taken for silent.
      nanos.addAndGet(TIME_LIMIT.plusSeconds(1).toNanos());
      assertThat(queue().ended(waiting).run().error()).contains("longer than its limit of PT1M40S");
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void a_worker_that_leaves_in_good_order_costs_no_attempt_and_goes_on_when_it_is_back()
      throws Exception {
    Job job = queue().submit("wait");
    try (Machine machine = new Machine("e")) {
      queue().progressed(job);
      assertThat(machine.worker).isNotNull();
    }
    assertThat(queue().now(job).run().state()).isEqualTo(JobTable.State.RUNNING);
    try (Machine again = new Machine("e")) {
      Job done = queue().ended(job);
      assertThat(done.run().state()).isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(done.run().attempts()).isOne();
      assertThat(results.take().path("resumed").asBoolean()).isTrue();
      assertThat(again.worker).isNotNull();
    }
  }

  @Test
  void a_silent_worker_costs_an_attempt_and_its_late_words_change_nothing() throws Exception {
    Job job = queue().submit("done");
    ClaimCalls silent = calls(TOKEN);
    Claim claim = claimed(silent, "silent");
    assertThat(silent.claim("silent").claim()).as("asked again").hasValue(claim);
    assertThat(silent.claim("other").claim()).isEmpty();
    nanos.addAndGet(RemoteWorkplace.SILENCE_MAX.plusSeconds(1).toNanos());
    try (Machine machine = new Machine("f")) {
      Job ended = queue().ended(job);
      assertThat(ended.run().state()).isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(ended.run().attempts()).isEqualTo(2);
      assertThatThrownBy(() -> silent.progress(claim.id(), new ProgressRequest(1, "late", "")))
          .isInstanceOf(LostException.class)
          .hasMessageContaining("no longer this worker's");
      assertThatThrownBy(() -> silent.end(claim.id(), new EndRequest(Ending.DONE, "")))
          .isInstanceOf(LostException.class);
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void a_stopped_coordinator_tells_its_worker_and_gives_the_attempt_back() throws Exception {
    Job job = queue().submit("wait");
    try (Machine machine = new Machine("g")) {
      queue().progressed(job);
      supervisor.close();
      Job waiting = queue().now(job);
      assertThat(waiting.run().state()).isEqualTo(JobTable.State.QUEUED);
      assertThat(waiting.run().attempts()).isZero();
      assertThat(machine.worker).isNotNull();
    }
  }

  @Test
  void results_that_are_none_are_refused_and_the_claim_stays() throws Exception {
    queue().submit("done");
    ClaimCalls calls = calls(TOKEN);
    Claim claim = claimed(calls, "hostile");
    assertThatThrownBy(() -> calls.end(claim.id(), new EndRequest(Ending.DONE, "")))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("not delivered");
    Path noise = Files.write(directory.resolve("noise"), new byte[5_000]);
    assertThatThrownBy(() -> calls.deliver(claim.id(), noise))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("expected: result.json");
    Path folder = Files.createDirectories(directory.resolve("made/out"));
    Files.writeString(folder.resolve("x"), "x");
    Path zip = directory.resolve("made.zip");
    PackedFolders.pack(Map.of("out", folder), zip);
    assertThatThrownBy(() -> calls.deliver(claim.id(), zip)).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> calls.deliver("guessed", zip)).isInstanceOf(LostException.class);
    calls.progress(claim.id(), new ProgressRequest(0, "", "still mine"));
    assertThat(directory.resolve("models/out")).doesNotExist();
  }

  @Test
  void a_coordinator_that_wants_no_workers_says_so() throws Exception {
    assertThatThrownBy(() -> calls("wrong").claim("h"))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("token is wrong");
    try (OperatorServer own = serve(new LocalLab())) {
      ClaimCalls calls = new ClaimCalls(URI.create("http://127.0.0.1:" + own.port()), TOKEN);
      assertThatThrownBy(() -> calls.claim("h"))
          .isInstanceOf(RefusedException.class)
          .hasMessageContaining("lab.remoteWorkers: true");
    }
  }

  private OperatorServer serve(LabClaims claims) {
    FakeServices fakes = new FakeServices();
    return OperatorServer.start(
        vertx,
        new OperatorSettings("127.0.0.1", 0, List.of(), TOKEN),
        new OperatorServices(
            fakes.devices,
            fakes.models,
            new OperatorServices.Lab(fakes.jobs, claims),
            fakes.rollouts,
            new FleetHealth()),
        new Probes(Map::of, () -> ""));
  }

  private ClaimCalls calls(String token) {
    return new ClaimCalls(URI.create("http://127.0.0.1:" + server.port()), token);
  }

  private static Claim claimed(ClaimCalls calls, String worker) throws Exception {
    Optional<Claim> claim = Optional.empty();
    while (claim.isEmpty()) {
      claim = calls.claim(worker).claim();
    }
    return claim.get();
  }

  private final class Work implements LabWork {
    @Override
    public void prepare(Job job, Path jobDirectory) throws IOException {
      Path teacher = directory.resolve("models/teacher");
      Files.writeString(
          jobDirectory.resolve("job.json"),
          "{\"kind\":\"train\",\"data\":\"%s\",%s\"out\":\"%s\"}"
              .formatted(
                  job.specJson(),
                  Files.exists(teacher) ? "\"teacher\":\"" + teacher + "\"," : "",
                  directory.resolve("models/out")));
    }

    @Override
    public JobTable.Result complete(Job job, JsonNode workerResult) {
      results.add(workerResult);
      return new JobTable.Result(
          Optional.of(new JobTable.TrainedVersion("teacher", "{}")), List.of());
    }
  }

  private QueuedJobs queue() {
    return new QueuedJobs(database, clock);
  }

  private boolean empty(String folder) {
    return list(folder).isEmpty();
  }

  private boolean onlyLock(String folder) {
    return list(folder).stream().noneMatch(f -> String.valueOf(f.getFileName()).startsWith("job-"));
  }

  private List<Path> list(String folder) {
    try (var files = Files.list(directory.resolve(folder))) {
      return files.toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
