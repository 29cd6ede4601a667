package io.stillhouse.server.remote;

import io.stillhouse.server.remote.ClaimCalls.AwayException;
import io.stillhouse.server.remote.ClaimCalls.LostException;
import io.stillhouse.server.remote.ClaimCalls.RefusedException;
import io.stillhouse.server.service.LabClaims.Claim;
import io.stillhouse.server.service.LabClaims.EndRequest;
import io.stillhouse.server.service.LabClaims.Ending;
import io.stillhouse.server.service.LabClaims.ProgressRequest;
import io.stillhouse.server.storage.JobTable.Progress;
import io.stillhouse.server.training.WorkerOutcome;
import io.stillhouse.server.training.WorkerOutcome.StopReason;
import io.stillhouse.server.training.Workplace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Asks a coordinator for jobs and does them here, one at a time. While the coordinator is away the
 * work goes on; what was made is kept until it was delivered, or until the job is no longer ours.
 * Used by one thread, but for {@link #stop}.
 */
public final class RemoteWorker {
  private static final Duration BEAT = Duration.ofSeconds(1);
  private static final Progress NOTHING_NEW = new Progress(0, "", "");

  private final ClaimCalls calls;
  private final Workplace workplace;
  private final Settings settings;
  private final LongSupplier nanos;
  private final Consumer<String> says;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private boolean away;

  /**
   * Of one worker.
   *
   * @param name for people, and different for each start
   * @param folder of the jobs' folders, this worker's alone
   * @param threads of a job; 0: every core
   * @param pause between two questions for work, or two tries
   */
  public record Settings(String name, Path folder, int threads, Duration pause) {}

  /**
   * A worker that has not begun.
   *
   * @param nanos monotonic
   * @param says one line about what happens, for people
   */
  public RemoteWorker(
      ClaimCalls calls,
      Workplace workplace,
      Settings settings,
      LongSupplier nanos,
      Consumer<String> says) {
    this.calls = calls;
    this.workplace = workplace;
    this.settings = settings;
    this.nanos = nanos;
    this.says = says;
  }

  /**
   * Works until {@link #stop}.
   *
   * @throws RefusedException when the coordinator wants no such worker
   */
  public void run() throws InterruptedException {
    says.accept("asks " + calls.base() + " for jobs, as " + settings.name());
    while (stopping.getCount() > 0) {
      Optional<Claim> claim = Optional.empty();
      try {
        claim = calls.claim(settings.name()).claim();
        reached();
      } catch (AwayException e) {
        missed(e);
      }
      if (claim.isPresent()) {
        work(claim.get());
      } else {
        pause();
      }
    }
  }

  /** Ends the running job at its next safe point, and then {@link #run}. */
  public void stop() {
    stopping.countDown();
  }

  private void work(Claim claim) throws InterruptedException {
    String job = "job " + claim.job() + ", " + claim.order().path("kind").asText();
    says.accept(job + ": taken");
    try {
      JobFolder folder = new JobFolder(settings.folder(), claim);
      fetch(claim, folder);
      folder.order(settings.threads());
      WorkerOutcome outcome = workplace.run(folder.at(), new Beat(claim.id()));
      EndRequest ending = ending(claim, folder, outcome);
      untilAnswered(() -> calls.end(claim.id(), ending));
      if (ending.ending() == Ending.DONE || ending.ending() == Ending.REFUSED) {
        folder.remove();
      }
      says.accept(job + ": " + ending.ending());
    } catch (LostException e) {
      says.accept(job + ": given up, " + e.getMessage());
    } catch (IOException | UncheckedIOException | RefusedException e) {
      says.accept(job + ": failed here, " + e);
      leave(claim, new EndRequest(Ending.CRASHED, e.toString()));
    }
  }

  private void leave(Claim claim, EndRequest ending) throws InterruptedException {
    try {
      untilAnswered(() -> calls.end(claim.id(), ending));
    } catch (LostException e) {
      says.accept("job " + claim.job() + ": given up, " + e.getMessage());
    }
  }

  private void fetch(Claim claim, JobFolder folder)
      throws IOException, LostException, InterruptedException {
    Path zip = folder.at().resolve("inputs.zip");
    untilAnswered(() -> calls.inputs(claim.id(), zip));
    folder.take(zip);
  }

  private EndRequest ending(Claim claim, JobFolder folder, WorkerOutcome outcome)
      throws IOException, LostException, InterruptedException {
    if (outcome instanceof WorkerOutcome.Done done) {
      Path zip = folder.packed(done.result());
      untilAnswered(() -> calls.deliver(claim.id(), zip));
    }
    return outcome.match(
        done -> new EndRequest(Ending.DONE, ""),
        refused -> new EndRequest(Ending.REFUSED, refused.message()),
        stopped -> new EndRequest(Ending.STOPPED, stopped.reason().name()),
        crashed ->
            new EndRequest(
                Ending.CRASHED, "exit %d%n%s".formatted(crashed.exitCode(), crashed.lastOutput())));
  }

  private interface Call {
    void make() throws AwayException, LostException, InterruptedException;
  }

  /** Tries again while the coordinator is away; a worker that is to stop gives up. */
  private void untilAnswered(Call call) throws LostException, InterruptedException {
    while (true) {
      try {
        call.make();
        reached();
        return;
      } catch (AwayException e) {
        missed(e);
        if (stopping.getCount() == 0) {
          throw new LostException("stopped while the coordinator is away");
        }
        pause();
      }
    }
  }

  private void pause() throws InterruptedException {
    boolean unused = stopping.await(settings.pause().toMillis(), TimeUnit.MILLISECONDS);
  }

  private void reached() {
    if (away) {
      says.accept("the coordinator is back");
    }
    away = false;
  }

  private void missed(AwayException e) {
    if (!away) {
      says.accept("the coordinator is away, tries again: " + e.getMessage());
    }
    away = true;
  }

  /** Tells the coordinator how far a job is, and hears whether it still is ours. */
  private final class Beat implements Workplace.Watcher {
    private final String claim;
    private Progress latest = NOTHING_NEW;
    private long saidAt = nanos.getAsLong() - BEAT.toNanos();
    private Optional<StopReason> ended = Optional.empty();

    Beat(String claim) {
      this.claim = claim;
    }

    @Override
    public Optional<StopReason> observe(Optional<Progress> progress) {
      latest = progress.orElse(latest);
      if (stopping.getCount() == 0) {
        return Optional.of(StopReason.COORDINATOR_STOPPING);
      }
      if (ended.isEmpty() && nanos.getAsLong() - saidAt >= BEAT.toNanos()) {
        ended = say();
        saidAt = nanos.getAsLong();
      }
      return ended;
    }

    private Optional<StopReason> say() {
      try {
        calls.progress(
            claim, new ProgressRequest(latest.fraction(), latest.step(), latest.message()));
        reached();
        latest = NOTHING_NEW;
        return Optional.empty();
      } catch (AwayException e) {
        // Hours of training are worth more than a line of progress.
        missed(e);
        return Optional.empty();
      } catch (LostException e) {
        return Optional.of(StopReason.COORDINATOR_STOPPING);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.of(StopReason.COORDINATOR_STOPPING);
      }
    }
  }
}
