package io.stillhouse.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Digest;
import io.stillhouse.server.storage.JobTable.Ending;
import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.JobTable.Progress;
import io.stillhouse.server.storage.JobTable.Requeue;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.ModelCatalogue.VersionState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What storage promises the lab and the audit trail, run on every database that is supported. */
abstract class LabStorageSuite {
  static final Training TRAINING = new Training("builtin:x", "resnet8", 1.0, 3, 7);

  final StepClock clock = new StepClock();

  @SuppressWarnings("NullAway.Init")
  Database database;

  /** An empty database of this kind. */
  abstract Database fresh() throws Exception;

  @BeforeEach
  void open() throws Exception {
    database = fresh();
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void store_time_does_not_go_backwards() {
    var storeClock = database.storeClock(System::nanoTime);
    assertThat(storeClock.instant()).isBeforeOrEqualTo(storeClock.instant());
  }

  @Test
  void a_lease_has_one_holder_until_it_expires() {
    Lease first = new Lease(database, clock, "engine", "a");
    Lease second = new Lease(database, clock, "engine", "b");
    assertThat(first.acquire()).hasValue(1);
    assertThat(second.acquire()).isEmpty();
    clock.advance(Duration.ofSeconds(4));
    assertThat(first.acquire()).hasValue(1);
    clock.advance(Duration.ofSeconds(5));
    assertThat(second.acquire()).isEmpty();
    clock.advance(Duration.ofSeconds(2));
    assertThat(second.acquire()).hasValue(2);
    assertThat(first.acquire()).isEmpty();
  }

  @Test
  void a_released_lease_is_free_at_once() {
    Lease first = new Lease(database, clock, "engine", "a");
    first.acquire();
    first.release();
    assertThat(new Lease(database, clock, "engine", "b").acquire()).hasValue(2);
  }

  @Test
  void the_audit_trail_is_read_newest_first_and_by_subject() {
    Audit audit = new Audit(database, clock);
    audit.append(new Event("operator", "device.labelled", "device/a", "zone=1"));
    audit.append(new Event("operator", "device.labelled", "device/b", "two\nlines"));
    assertThat(audit.latest(10))
        .extracting(Audit.Entry::subject)
        .containsExactly("device/b", "device/a");
    assertThat(audit.of("device/b", 10))
        .singleElement()
        .extracting(Audit.Entry::detail)
        .isEqualTo("two lines");
  }

  @Test
  void versions_of_a_model_count_up_and_releases_never_repeat() {
    JobTable jobs = new JobTable(database, clock, "me");
    ModelCatalogue models = new ModelCatalogue(database, clock);
    Job first = submitTraining(jobs, "inspect");
    Job second = submitTraining(jobs, "inspect");
    assertThat(first.target()).isEqualTo(new VersionId("inspect", 1));
    assertThat(second.target()).isEqualTo(new VersionId("inspect", 2));
    assertThat(models.models()).containsExactly("inspect");
    assertThat(models.nextRelease("inspect")).isEqualTo(1);
    assertThat(models.nextRelease("inspect")).isEqualTo(2);
    assertThatThrownBy(() -> models.nextRelease("nothing")).hasMessageContaining("model nothing");
  }

  @Test
  void concurrent_submissions_get_distinct_versions() throws Exception {
    JobTable jobs = new JobTable(database, clock, "me");
    ConcurrentLinkedQueue<VersionId> ids = new ConcurrentLinkedQueue<>();
    List<Thread> threads =
        java.util.stream.IntStream.range(0, 4)
            .mapToObj(i -> new Thread(() -> ids.add(submitTraining(jobs, "inspect").target())))
            .toList();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(ids).hasSize(4).doesNotHaveDuplicates();
  }

  @Test
  void a_job_succeeds_together_with_what_it_made() {
    JobTable jobs = new JobTable(database, clock, "me");
    ModelCatalogue models = new ModelCatalogue(database, clock);
    Job job = submitTraining(jobs, "inspect");
    assertThat(jobs.claim()).hasValueSatisfying(j -> assertThat(j.run().attempts()).isOne());
    assertThat(jobs.claim()).isEmpty();
    assertThat(jobs.progress(job.id(), new Progress(0.5, "epoch 1/2", "loss 0.3"))).isFalse();
    Variant variant =
        new Variant(job.target(), "x86_64-avx2-t1", Digest.of(new byte[] {1}), 1, "{}");
    jobs.finish(
        job.id(),
        new Ending(JobTable.State.SUCCEEDED, ""),
        new JobTable.Result(
            Optional.of(new JobTable.TrainedVersion("/models/inspect", "{}")), List.of(variant)));

    assertThat(jobs.find(job.id()).orElseThrow().run().state()).isEqualTo(JobTable.State.SUCCEEDED);
    assertThat(models.version(job.target()).orElseThrow().state()).isEqualTo(VersionState.READY);
    assertThat(models.variants(job.target())).containsExactly(variant);
    assertThat(models.variant(variant.digest())).contains(variant);
  }

  @Test
  void what_tailoring_decided_replaces_what_it_decided_before() {
    ModelCatalogue models = new ModelCatalogue(database, clock);
    VersionId version = submitTraining(new JobTable(database, clock, "me"), "inspect").target();
    String longest = "x".repeat(ModelCatalogue.DECISIONS_CHARS_MAX);
    models.putTailorings(version, Map.of("small", "{\"leftOut\":1}", "large", longest));
    models.putTailorings(version, Map.of("small", "{}"));
    assertThat(models.tailorings(version))
        .extracting(ModelCatalogue.Tailoring::decisionsJson)
        .containsExactly(longest, "{}");
    assertThat(models.tailorings(version).get(0).at()).isEqualTo(clock.instant());
    assertThat(models.tailorings(new VersionId("inspect", 2))).isEmpty();
  }

  @Test
  void an_ending_that_comes_twice_counts_once() {
    JobTable jobs = new JobTable(database, clock, "me");
    Job job = submitTraining(jobs, "inspect");
    jobs.claim();
    JobTable.Result nothing = new JobTable.Result(Optional.empty(), List.of());
    jobs.finish(job.id(), new Ending(JobTable.State.FAILED, "line 1\nline 2"), nothing);
    jobs.finish(job.id(), new Ending(JobTable.State.SUCCEEDED, ""), nothing);
    assertThat(jobs.find(job.id()).orElseThrow().run().state()).isEqualTo(JobTable.State.FAILED);
    assertThat(jobs.find(job.id()).orElseThrow().run().error()).isEqualTo("line 1\nline 2");
    assertThat(new ModelCatalogue(database, clock).version(job.target()).orElseThrow().state())
        .isEqualTo(VersionState.FAILED);
  }

  @Test
  void a_lost_coordinator_costs_the_job_an_attempt_and_a_stopped_one_does_not() {
    JobTable jobs = new JobTable(database, clock, "me");
    Job job = submitTraining(jobs, "inspect");
    jobs.claim();
    JobTable later = new JobTable(database, clock, "later");
    assertThat(later.adoptLeftovers()).extracting(Job::id).containsExactly(job.id());
    later.requeue(job.id(), Requeue.COORDINATOR_LOST);
    assertThat(later.claim().orElseThrow().run().attempts()).isEqualTo(2);
    later.requeue(job.id(), Requeue.COORDINATOR_STOPPED);
    assertThat(later.claim().orElseThrow().run().attempts()).isEqualTo(2);
  }

  @Test
  void a_coordinator_that_lost_its_job_cannot_end_it() {
    JobTable frozen = new JobTable(database, clock, "frozen");
    Job job = submitTraining(frozen, "inspect");
    frozen.claim();
    new JobTable(database, clock, "later").adoptLeftovers();
    frozen.finish(
        job.id(),
        new Ending(JobTable.State.SUCCEEDED, ""),
        new JobTable.Result(Optional.empty(), List.of()));
    frozen.requeue(job.id(), Requeue.CRASHED);
    assertThat(frozen.find(job.id()).orElseThrow().run().state()).isEqualTo(JobTable.State.RUNNING);
  }

  @Test
  void cancelling_ends_a_queued_job_and_asks_a_running_one() {
    JobTable jobs = new JobTable(database, clock, "me");
    Job running = submitTraining(jobs, "a");
    Job queued = submitTraining(jobs, "b");
    jobs.claim();
    assertThat(jobs.cancel(queued.id()).run().state()).isEqualTo(JobTable.State.CANCELLED);
    assertThat(jobs.cancel(running.id()).run().state()).isEqualTo(JobTable.State.RUNNING);
    assertThat(jobs.progress(running.id(), new Progress(0.1, "", ""))).isTrue();
    assertThatThrownBy(() -> jobs.cancel(999)).hasMessageContaining("job 999");
  }

  @Test
  void the_queue_is_bounded() {
    JobTable jobs = new JobTable(database, clock, "me");
    for (int i = 0; i < JobTable.QUEUED_MAX; i++) {
      submitTraining(jobs, "m");
    }
    assertThatThrownBy(() -> submitTraining(jobs, "m"))
        .hasMessageContaining(JobTable.QUEUED_MAX + " jobs are waiting already");
    assertThat(new ModelCatalogue(database, clock).versions("m")).hasSize(JobTable.QUEUED_MAX);
  }

  @Test
  void an_order_for_a_large_fleet_fits_and_a_longer_one_says_what_to_do() {
    JobTable jobs = new JobTable(database, clock, "me");
    String longest = "{" + " ".repeat(JobTable.SPEC_CHARS_MAX - 2) + "}";
    Job job =
        jobs.submitVersion(
            JobTable.Kind.TRAIN, "m", TRAINING, OptionalLong.empty(), key -> longest);
    assertThat(jobs.find(job.id()).orElseThrow().specJson()).isEqualTo(longest);
    assertThatThrownBy(
            () ->
                jobs.submitVersion(
                    JobTable.Kind.TRAIN, "m", TRAINING, OptionalLong.empty(), key -> longest + " "))
        .hasMessageContaining("name fewer hardware classes");
  }

  static Job submitTraining(JobTable jobs, String model) {
    return jobs.submitVersion(
        JobTable.Kind.TRAIN, model, TRAINING, OptionalLong.empty(), key -> "{}");
  }
}
