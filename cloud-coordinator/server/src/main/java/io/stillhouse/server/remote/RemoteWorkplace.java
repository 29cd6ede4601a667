package io.stillhouse.server.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.LabClaims;
import io.stillhouse.server.storage.JobTable.Progress;
import io.stillhouse.server.training.Folders;
import io.stillhouse.server.training.WorkerOutcome;
import io.stillhouse.server.training.WorkerOutcome.StopReason;
import io.stillhouse.server.training.Workplace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.zip.ZipException;

/**
 * Offers one attempt at a time to whoever asks for work, and waits for its end. A worker that
 * leaves in good order gives the attempt back, and it is offered again; one that is not heard of
 * for {@link #SILENCE_MAX} has crashed. Thread-safe.
 */
public final class RemoteWorkplace implements Workplace, LabClaims {
  /** Longest silence of a worker: far above a lost connection, far below a lost night. */
  public static final Duration SILENCE_MAX = Duration.ofMinutes(2);

  static final String RESULT = "result.json";
  private static final String WORKER = "[A-Za-z0-9._-]{1,100}";
  private static final int MESSAGE_CHARACTERS_MAX = 20_000;
  private static final int CLAIM_BYTES = 12;
  private static final long RESULT_BYTES_MAX = 16L << 20;
  private static final Duration LOOK = Duration.ofMillis(200);
  private static final Progress WAITING =
      new Progress(0, "wait for a lab worker", "start 'stillhouse lab worker' on a machine");
  private static final JsonMapper JSON = new JsonMapper();

  private final Duration timeLimit;
  private final LongSupplier nanos;
  private final RandomGenerator random;
  private Optional<Attempt> open = Optional.empty();

  /** An attempt on offer or under way; guarded by the workplace. */
  private static final class Attempt {
    final Path jobDirectory;
    final PortableOrder order;
    String claim = "";
    String worker = "";
    long claimedAt;
    long heardAt;
    boolean delivered;
    Optional<Progress> progress = Optional.of(WAITING);
    Optional<WorkerOutcome> outcome = Optional.empty();

    Attempt(Path jobDirectory, PortableOrder order) {
      this.jobDirectory = jobDirectory;
      this.order = order;
    }

    boolean claimed() {
      return !claim.isEmpty();
    }

    void offerAgain() {
      claim = "";
      worker = "";
      delivered = false;
      progress = Optional.of(WAITING);
    }
  }

  /**
   * A workplace without workers yet.
   *
   * @param timeLimit of one attempt, from when it is taken
   * @param nanos monotonic
   * @param random of the names of claims, which nobody may guess
   */
  public RemoteWorkplace(Duration timeLimit, LongSupplier nanos, RandomGenerator random) {
    this.timeLimit = timeLimit;
    this.nanos = nanos;
    this.random = random;
  }

  @Override
  public WorkerOutcome run(Path jobDirectory, Watcher watcher) throws InterruptedException {
    Attempt attempt = new Attempt(jobDirectory, order(jobDirectory));
    restore(attempt.order.out());
    synchronized (this) {
      open = Optional.of(attempt);
    }
    try {
      while (true) {
        Optional<Progress> progress;
        synchronized (this) {
          if (attempt.outcome.isEmpty()) {
            wait(LOOK.toMillis());
          }
          progress = attempt.progress;
          attempt.progress = Optional.empty();
          Optional<WorkerOutcome> ended = ended(attempt);
          if (ended.isPresent()) {
            return ended.get();
          }
        }
        Optional<StopReason> wish = watcher.observe(progress);
        if (wish.isPresent()) {
          // Its worker finds its claim gone at its next word, and stops.
          return new WorkerOutcome.Stopped(wish.get());
        }
      }
    } finally {
      synchronized (this) {
        open = Optional.empty();
      }
    }
  }

  private PortableOrder order(Path jobDirectory) {
    try {
      return PortableOrder.of(JSON.readTree(jobDirectory.resolve("job.json").toFile()));
    } catch (IOException e) {
      throw disk("cannot offer a job to lab workers", e);
    }
  }

  /** How the attempt has ended, by a word of its worker or for want of one. */
  private Optional<WorkerOutcome> ended(Attempt attempt) {
    if (attempt.outcome.isPresent()) {
      return attempt.outcome;
    }
    long now = nanos.getAsLong();
    if (attempt.claimed() && now - attempt.heardAt > SILENCE_MAX.toNanos()) {
      return Optional.of(
          new WorkerOutcome.Crashed(
              -1,
              "lab worker %s was not heard of for %d s"
                  .formatted(attempt.worker, SILENCE_MAX.toSeconds())));
    }
    if (attempt.claimed() && now - attempt.claimedAt > timeLimit.toNanos()) {
      return Optional.of(new WorkerOutcome.Stopped(StopReason.TIME_LIMIT));
    }
    return Optional.empty();
  }

  @Override
  public synchronized ClaimAnswer claim(ClaimRequest request) {
    if (!request.worker().matches(WORKER)) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot give work",
          "worker: '%s' (expected: %s)".formatted(request.worker(), WORKER),
          "start the worker with another --name");
    }
    Optional<Attempt> offered =
        open.filter(attempt -> attempt.outcome.isEmpty())
            .filter(attempt -> !attempt.claimed() || attempt.worker.equals(request.worker()));
    offered.ifPresent(attempt -> take(attempt, request.worker()));
    return new ClaimAnswer(
        offered.map(
            attempt ->
                new Claim(
                    attempt.claim,
                    String.valueOf(attempt.jobDirectory.getFileName()),
                    attempt.order.order())));
  }

  private void take(Attempt attempt, String worker) {
    attempt.heardAt = nanos.getAsLong();
    if (attempt.claimed()) {
      return; // Its answer was lost on the way, and it asks again.
    }
    byte[] unique = new byte[CLAIM_BYTES];
    random.nextBytes(unique);
    attempt.claim = HexFormat.of().formatHex(unique);
    attempt.worker = worker;
    attempt.claimedAt = attempt.heardAt;
    attempt.progress = Optional.of(new Progress(0, "lab worker " + worker, "has taken it"));
  }

  @Override
  public synchronized Heard progress(String claim, ProgressRequest progress) {
    Attempt attempt = heard(claim);
    if (!progress.step().isEmpty()) {
      attempt.progress =
          Optional.of(new Progress(progress.fraction(), progress.step(), progress.message()));
    }
    return new Heard(claim);
  }

  @Override
  public Path inputs(String claim) {
    Attempt attempt;
    synchronized (this) {
      attempt = heard(claim);
    }
    try {
      Path zip = Files.createTempFile(attempt.jobDirectory, "inputs-", ".zip");
      PackedFolders.pack(attempt.order.inputs(), zip);
      return zip;
    } catch (IOException e) {
      throw disk("cannot pack the inputs of a job", e);
    }
  }

  @Override
  public Path receiving(String claim) {
    try {
      Path at;
      synchronized (this) {
        at = heard(claim).jobDirectory;
      }
      return Files.createTempFile(at, "result-", ".zip");
    } catch (IOException e) {
      throw disk("cannot receive the result of a job", e);
    }
  }

  @Override
  public void deliver(String claim, Path packed) {
    Attempt attempt;
    synchronized (this) {
      attempt = heard(claim);
    }
    try {
      PackedFolders.unpack(packed, received(attempt));
      Path result = received(attempt).resolve(RESULT);
      if (!Files.isRegularFile(result)
          || Files.size(result) > RESULT_BYTES_MAX
          || !Files.isDirectory(received(attempt).resolve(PortableOrder.OUT))) {
        throw new ZipException(
            "expected: %s of at most %d bytes, and %s"
                .formatted(RESULT, RESULT_BYTES_MAX, PortableOrder.OUT));
      }
    } catch (ZipException e) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot take the result of a job",
          String.valueOf(e.getMessage()),
          "send it again",
          e);
    } catch (IOException e) {
      throw disk("cannot take the result of a job", e);
    }
    synchronized (this) {
      heard(claim).delivered = true;
    }
  }

  @Override
  public synchronized Heard end(String claim, EndRequest ending) {
    Attempt attempt = heard(claim);
    String message =
        ending.message().substring(0, Math.min(ending.message().length(), MESSAGE_CHARACTERS_MAX));
    switch (ending.ending()) {
      case DONE -> attempt.outcome = Optional.of(new WorkerOutcome.Done(placed(attempt)));
      case REFUSED -> attempt.outcome = Optional.of(new WorkerOutcome.Refused(message));
      case CRASHED ->
          attempt.outcome =
              Optional.of(
                  new WorkerOutcome.Crashed(
                      -1, "on lab worker " + attempt.worker + "\n" + message));
      case STOPPED -> attempt.offerAgain();
    }
    notifyAll();
    return new Heard(claim);
  }

  /** Puts the delivered folder where the order wants it; returns what the worker says of it. */
  private static JsonNode placed(Attempt attempt) {
    if (!attempt.delivered) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot end a job as done",
          "its result was not delivered",
          "deliver it first");
    }
    try {
      JsonNode result = JSON.readTree(received(attempt).resolve(RESULT).toFile());
      Path out = attempt.order.out();
      Path former = former(out);
      Files.createDirectories(Objects.requireNonNull(out.getParent(), "out: no parent"));
      Folders.delete(former);
      if (Files.exists(out)) {
        Files.move(out, former);
      }
      Files.move(received(attempt).resolve(PortableOrder.OUT), out);
      Folders.delete(former);
      return result;
    } catch (IOException e) {
      throw disk("cannot keep the result of a job", e);
    }
  }

  private static Path former(Path out) {
    return out.resolveSibling(out.getFileName() + ".former");
  }

  /**
   * Undoes a replacement that was cut short: the former folder counts until the new one is there.
   */
  private static void restore(Path out) {
    try {
      if (!Files.exists(out) && Files.exists(former(out))) {
        Files.move(former(out), out);
      }
    } catch (IOException e) {
      throw disk("cannot offer a job to lab workers", e);
    }
  }

  private static Path received(Attempt attempt) {
    return attempt.jobDirectory.resolve("received");
  }

  /** The attempt that a claim is for; its worker lives. */
  private Attempt heard(String claim) {
    Attempt attempt =
        open.filter(a -> a.claimed() && a.claim.equals(claim) && a.outcome.isEmpty())
            .orElseThrow(
                () ->
                    new CoordinatorException(
                        ErrorCategory.NOT_FOUND,
                        "cannot go on with claim " + claim.replaceAll("[^0-9a-f]", "?"),
                        "the job is no longer this worker's",
                        "stop it and claim again"));
    attempt.heardAt = nanos.getAsLong();
    return attempt;
  }

  private static CoordinatorException disk(String what, IOException e) {
    return new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        what,
        e.toString(),
        "check free space and permissions of the data directory",
        e);
  }
}
