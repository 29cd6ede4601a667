package io.stillhouse.server.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.VersionState;
import io.stillhouse.server.storage.StepClock;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.QueuedJobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against real child processes; see {@link FakeWorkerMain}. */
class LabSupervisorTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final StepClock clock = new StepClock();
  private final AtomicLong nanos = new AtomicLong();
  private final BlockingQueue<JsonNode> results = new LinkedBlockingQueue<>();

  @SuppressWarnings("NullAway.Init")
  private Database database;

  @BeforeEach
  void open() {
    database = Database.open(Database.Address.embedded(directory.resolve("db")));
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void a_job_that_finishes_makes_its_version_ready() {
    Job job = queue().submit("done");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      Job ended = queue().ended(job);
      assertThat(ended.run().state()).isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(ended.run().progress().fraction()).isOne();
      assertThat(ended.run().progress().step()).isEqualTo("epoch");
      assertThat(version(job)).isEqualTo(VersionState.READY);
      Eventually.holds(
          "the job's directory is gone", () -> !Files.exists(directory.resolve("jobs/1")));
    }
  }

  @Test
  void a_process_killed_once_is_retried_from_what_it_left() throws InterruptedException {
    Job job = queue().submit("die-once");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      Job ended = queue().ended(job);
      assertThat(ended.run().state()).isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(ended.run().attempts()).isEqualTo(2);
      assertThat(results.take().path("resumed").asBoolean()).isTrue();
    }
  }

  @Test
  void a_process_that_dies_three_times_fails_with_its_last_output() throws IOException {
    Job job = queue().submit("die");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      Job ended = queue().ended(job);
      assertThat(ended.run().state()).isEqualTo(JobTable.State.FAILED);
      assertThat(ended.run().error())
          .contains("died 3 times")
          .contains("exit 137")
          .contains("attempt 3 says goodbye")
          .contains("not json at all");
      assertThat(version(job)).isEqualTo(VersionState.FAILED);
      assertThat(starts()).isEqualTo(3);
    }
  }

  @Test
  void a_job_that_says_it_cannot_work_is_not_retried() throws IOException {
    Job job = queue().submit("refuse");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      assertThat(queue().ended(job).run().error()).isEqualTo("cannot train: one class; add");
      assertThat(starts()).isOne();
    }
  }

  @Test
  void a_cancelled_job_stops_its_process() {
    Job job = queue().submit("wait");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      queue().progressed(job);
      queue().of("other").cancel(job.id());
      assertThat(queue().ended(job).run().state()).isEqualTo(JobTable.State.CANCELLED);
    }
  }

  @Test
  void a_job_beyond_its_time_limit_fails_and_says_so() {
    Job job = queue().submit("wait");
    try (LabSupervisor supervisor = supervisor("one")) {
      supervisor.start();
      queue().progressed(job);
      nanos.addAndGet(Duration.ofHours(1).plusSeconds(1).toNanos());
      assertThat(queue().ended(job).run().error()).contains("longer than its limit of PT1H");
    }
  }

  @Test
  void a_stopped_coordinator_gives_the_attempt_back_and_the_next_one_goes_on() {
    Job job = queue().submit("wait");
    LabSupervisor first = supervisor("one");
    first.start();
    queue().progressed(job);
    first.close();
    Job waiting = queue().now(job);
    assertThat(waiting.run().state()).isEqualTo(JobTable.State.QUEUED);
    assertThat(waiting.run().attempts()).isZero();
    try (LabSupervisor second = supervisor("two")) {
      second.start();
      Eventually.holds(
          "the second coordinator runs it", () -> queue().now(job).run().attempts() == 1);
    }
  }

  @Test
  void what_a_vanished_coordinator_left_running_is_queued_again_and_counts() {
    Job job = queue().submit("done");
    // As after a kill: claimed by a coordinator that never speaks again.
    queue().of("vanished").claim();
    try (LabSupervisor supervisor = supervisor("two")) {
      supervisor.start();
      Job ended = queue().ended(job);
      assertThat(ended.run().state()).isEqualTo(JobTable.State.SUCCEEDED);
      assertThat(ended.run().attempts()).isEqualTo(2);
    }
  }

  private LabSupervisor supervisor(String owner) {
    WorkerCommand command =
        new WorkerCommand(
            Path.of(System.getProperty("java.home"), "bin", "java"),
            System.getProperty("java.class.path"),
            FakeWorkerMain.class.getName(),
            new WorkerCommand.Limits(32, 256, Duration.ofHours(1)));
    LabWork work =
        new LabWork() {
          @Override
          public void prepare(Job job, Path jobDirectory) throws IOException {
            Files.writeString(jobDirectory.resolve("job.json"), job.specJson());
          }

          @Override
          public JobTable.Result complete(Job job, JsonNode workerResult) {
            results.add(workerResult);
            return new JobTable.Result(
                Optional.of(new JobTable.TrainedVersion("teacher", "{}")), List.of());
          }
        };
    return new LabSupervisor(
        queue().of(owner),
        new Lease(database, clock, "lab", owner),
        work,
        new LabSupervisor.WorkerPlace(
            new WorkerProcess(command, nanos::get), Duration.ofHours(1), directory.resolve("jobs")),
        nanos::get);
  }

  private QueuedJobs queue() {
    return new QueuedJobs(database, clock);
  }

  private VersionState version(Job job) {
    return new ModelCatalogue(database, clock).version(job.target()).orElseThrow().state();
  }

  private int starts() throws IOException {
    return Files.readString(directory.resolve("jobs/starts"), StandardCharsets.UTF_8).length();
  }
}
