package io.stillhouse.server.training;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.pulse.Pulse;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.JobTable.Ending;
import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.JobTable.Requeue;
import io.stillhouse.server.storage.Lease;
import io.stillhouse.server.training.WorkerOutcome.StopReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the lab's jobs one after another, each in a process of its own. Of several coordinators, the
 * holder of the lab's lease does; the others wait.
 *
 * <p>A crash costs one attempt and the job returns to the queue, its checkpoint kept; the third one
 * ends it as FAILED with the process's last output. A coordinator that vanishes costs an attempt as
 * well, since the job may be what took its machine down; one that stops in good order gives the
 * attempt back. A job that says itself that it cannot work is not tried again.
 */
public final class LabSupervisor implements AutoCloseable {
  /** How often a job is started before it counts as broken. */
  public static final int ATTEMPTS_MAX = 3;

  private static final Logger LOG = LoggerFactory.getLogger(LabSupervisor.class);
  private static final Duration IDLE = Duration.ofMillis(500);
  private static final Duration RENEWAL = Duration.ofSeconds(2);

  /** Far above what it takes to bring a job to its worker or its result to the record. */
  private static final Duration SILENCE_MAX = Duration.ofMinutes(2);

  private static final Duration STOP_WAIT = Duration.ofSeconds(40);
  private static final JobTable.Result NOTHING = new JobTable.Result(Optional.empty(), List.of());

  private final JobTable jobs;
  private final Lease lease;
  private final LabWork work;
  private final WorkerPlace place;
  private final LongSupplier nanos;
  private final Pulse pulse;
  private final Thread thread = new Thread(this::loop, "lab-supervisor");
  private final CountDownLatch stopping = new CountDownLatch(1);

  /**
   * Where attempts are done, and what they may take.
   *
   * @param timeLimit of one attempt, which the workplace keeps
   * @param jobsDirectory of the folders of jobs
   */
  public record WorkerPlace(Workplace workplace, Duration timeLimit, Path jobsDirectory) {}

  /**
   * A supervisor that has not begun.
   *
   * @param nanos monotonic
   */
  public LabSupervisor(
      JobTable jobs, Lease lease, LabWork work, WorkerPlace place, LongSupplier nanos) {
    this.jobs = jobs;
    this.lease = lease;
    this.work = work;
    this.place = place;
    this.nanos = nanos;
    this.pulse = new Pulse(SILENCE_MAX, nanos);
    thread.setDaemon(true);
  }

  /** Begins to run jobs. */
  public void start() {
    thread.start();
  }

  /**
   * Beats while jobs can be taken from the queue, and while one is watched; misses a beat when the
   * queue does not answer or a worker cannot be started here. A job that fails by itself misses
   * none.
   */
  public Pulse pulse() {
    return pulse;
  }

  /** Stops the running worker, gives its attempt back, and waits for both. */
  @Override
  public void close() {
    stopping.countDown();
    try {
      thread.join(STOP_WAIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    try {
      while (stopping.getCount() > 0) {
        if (!turn()) {
          boolean stopped = stopping.await(IDLE.toMillis(), TimeUnit.MILLISECONDS);
          LOG.trace("idle, stopping: {}", stopped);
        }
      }
      lease.release();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("the lab's lease was not released: {}", e.getMessage());
    }
  }

  /** Does one job, if there is one and it is this coordinator's turn. */
  private boolean turn() throws InterruptedException {
    try {
      if (lease.acquire().isEmpty()) {
        pulse.beat();
        return false;
      }
      // At each turn: this coordinator's own job is left behind, too, when the database was away.
      jobs.adoptLeftovers().forEach(job -> retry(job, Requeue.COORDINATOR_LOST, "no output"));
      Optional<Job> job = jobs.claim();
      pulse.beat();
      if (job.isEmpty()) {
        return false;
      }
      run(job.get());
      return true;
    } catch (RuntimeException e) {
      // The database may be away for a while: the job stays RUNNING and is adopted when it is back.
      LOG.error("the lab's queue cannot go on: {}", e.getMessage(), e);
      pulse.miss();
      return false;
    }
  }

  private void run(Job job) throws InterruptedException {
    Path directory = place.jobsDirectory().resolve(Long.toString(job.id()));
    try {
      Files.createDirectories(directory);
      work.prepare(job, directory);
      WorkerOutcome outcome = place.workplace().run(directory, watcher(job.id()));
      settle(job, outcome);
    } catch (CoordinatorException e) {
      jobs.finish(job.id(), new Ending(JobTable.State.FAILED, e.line()), NOTHING);
    } catch (IOException e) {
      pulse.miss();
      jobs.finish(
          job.id(),
          new Ending(
              JobTable.State.FAILED,
              "cannot run job %d: %s; check free space and permissions of %s, then submit it again"
                  .formatted(job.id(), e, directory)),
          NOTHING);
    }
    tidy(job.id(), directory);
  }

  private Workplace.Watcher watcher(long id) {
    long[] renewed = {nanos.getAsLong()};
    return progress -> {
      if (stopping.getCount() == 0) {
        return Optional.of(StopReason.COORDINATOR_STOPPING);
      }
      try {
        if (nanos.getAsLong() - renewed[0] > RENEWAL.toNanos()) {
          renewed[0] = nanos.getAsLong();
          if (lease.acquire().isEmpty()) {
            return Optional.of(StopReason.COORDINATOR_STOPPING);
          }
        }
        boolean cancelled =
            progress.isPresent()
                ? jobs.progress(id, progress.get())
                : jobs.find(id).map(job -> job.run().cancelRequested()).orElse(true);
        pulse.beat();
        return cancelled ? Optional.of(StopReason.CANCELLED) : Optional.empty();
      } catch (RuntimeException e) {
        // Hours of training are worth more than one line of progress.
        LOG.warn("progress of job {} was not recorded: {}", id, e.getMessage());
        return Optional.empty();
      }
    };
  }

  private void settle(Job job, WorkerOutcome outcome) {
    Runnable step =
        outcome.match(
            done ->
                () ->
                    jobs.finish(
                        job.id(),
                        new Ending(JobTable.State.SUCCEEDED, ""),
                        work.complete(job, done.result())),
            refused ->
                () ->
                    jobs.finish(
                        job.id(), new Ending(JobTable.State.FAILED, refused.message()), NOTHING),
            stopped -> () -> settleStopped(job, stopped.reason()),
            crashed ->
                () ->
                    retry(
                        job,
                        Requeue.CRASHED,
                        "exit %d\n%s".formatted(crashed.exitCode(), crashed.lastOutput())));
    step.run();
  }

  private void settleStopped(Job job, StopReason reason) {
    switch (reason) {
      case CANCELLED ->
          jobs.finish(
              job.id(), new Ending(JobTable.State.CANCELLED, "cancelled on request"), NOTHING);
      case TIME_LIMIT ->
          jobs.finish(
              job.id(),
              new Ending(
                  JobTable.State.FAILED,
                  "job %d ran longer than its limit of %s; train fewer epochs or raise the limit"
                      .formatted(job.id(), place.timeLimit())),
              NOTHING);
      case COORDINATOR_STOPPING -> jobs.requeue(job.id(), Requeue.COORDINATOR_STOPPED);
    }
  }

  private void retry(Job job, Requeue reason, String lastOutput) {
    if (job.run().attempts() < ATTEMPTS_MAX) {
      jobs.requeue(job.id(), reason);
    } else {
      jobs.finish(
          job.id(),
          new Ending(
              JobTable.State.FAILED,
              "the lab's process died %d times (%s); its last output:\n%s"
                  .formatted(ATTEMPTS_MAX, reason, lastOutput)),
          NOTHING);
    }
  }

  /** A job that has ended needs no checkpoint any more. */
  private void tidy(long id, Path directory) {
    if (!jobs.find(id).map(job -> job.run().state().isFinal()).orElse(false)) {
      return;
    }
    try {
      Folders.delete(directory);
    } catch (IOException e) {
      LOG.warn("job {} left {} behind: {}", id, directory, e.toString());
    }
  }
}
