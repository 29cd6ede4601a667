package io.stillhouse.server.storage;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/**
 * The queue of lab jobs, in SQL so that it survives the coordinator. Thread-safe; calls block.
 *
 * <pre>
 * QUEUED    to RUNNING (claimed), CANCELLED
 * RUNNING   to SUCCEEDED, FAILED, CANCELLED, or QUEUED again (crashed with attempts left, or its
 *           coordinator ended)
 * SUCCEEDED, FAILED, CANCELLED are final.
 * </pre>
 */
public final class JobTable {
  /** More jobs than this in the queue are refused. */
  public static final int QUEUED_MAX = 100;

  /** Longest order of a job; about 300 hardware classes with their probes. */
  public static final int SPEC_CHARS_MAX = 1_000_000;

  private static final int LISTED_MAX = 500;

  private final Database database;
  private final InstantSource clock;
  private final String owner;

  /**
   * A view of the queue for one coordinator.
   *
   * @param owner unique for each start of each coordinator: what an earlier or frozen one still
   *     writes about its jobs changes nothing once they have another owner
   */
  public JobTable(Database database, InstantSource clock, String owner) {
    this.database = database;
    this.clock = clock;
    this.owner = owner;
  }

  /** What a job does; named in {@code job.json} in lower case. */
  public enum Kind {
    TRAIN,
    TAILOR,
    HARM
  }

  /** Where a job stands. */
  public enum State {
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    public boolean isFinal() {
      return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
  }

  /**
   * A job.
   *
   * @param specJson what the service that submitted it needs to run it
   */
  public record Job(long id, Kind kind, VersionId target, String specJson, Run run) {}

  /**
   * How a job's running went so far.
   *
   * @param attempts how often it was started
   */
  public record Run(
      State state, int attempts, Progress progress, String error, boolean cancelRequested) {}

  /** How far a job is; {@code fraction} in 0..1. */
  public record Progress(double fraction, String step, String message) {}

  /** What a successful job adds to the catalogue. */
  public record Result(Optional<TrainedVersion> version, List<Variant> variants) {
    public Result {
      variants = List.copyOf(variants);
    }
  }

  /** The directory that a version's teacher is in, and the lab's report about it. */
  public record TrainedVersion(String directory, String reportJson) {}

  /** A final state with its one-line reason; no reason on success. */
  public record Ending(State state, String error) {
    public Ending {
      if (!state.isFinal()) {
        throw new IllegalArgumentException("state: " + state + " (expected: a final one)");
      }
    }
  }

  /** Queues a job for a version that exists. */
  public Job submit(Kind kind, VersionId target, String specJson) {
    return database.write(h -> insert(h, kind, target, specJson));
  }

  /** Adds a version and queues the job that makes it, in one transaction. */
  public Job submitVersion(
      Kind kind,
      String model,
      Training training,
      OptionalLong rehearsalOf,
      Function<VersionId, String> specJson) {
    return database.write(
        h -> {
          VersionId key =
              ModelCatalogue.addVersion(h, clock.instant(), model, training, rehearsalOf);
          return insert(h, kind, key, specJson.apply(key));
        });
  }

  private Job insert(Handle h, Kind kind, VersionId target, String specJson) {
    if (specJson.length() > SPEC_CHARS_MAX) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot queue a job for " + target,
          "its order has %d characters (expected: at most %d)"
              .formatted(specJson.length(), SPEC_CHARS_MAX),
          "name fewer hardware classes at a time");
    }
    long queued =
        h.createQuery("SELECT COUNT(*) FROM job WHERE state = 'QUEUED'").mapTo(Long.class).one();
    if (queued >= QUEUED_MAX) {
      throw new CoordinatorException(
          ErrorCategory.EXHAUSTED,
          "cannot queue a job for " + target,
          QUEUED_MAX + " jobs are waiting already",
          "wait for some to finish, or cancel them");
    }
    Instant now = clock.instant();
    long id =
        h.createUpdate(
                "INSERT INTO job(kind, model, version, spec, state, attempts, progress, step,"
                    + " message, cancel_requested, created_at) VALUES (:kind, :m, :v, :spec,"
                    + " 'QUEUED', 0, 0, '', '', FALSE, :now)")
            .bind("kind", kind.name())
            .bind("m", target.model())
            .bind("v", target.version())
            .bind("spec", specJson)
            .bind("now", Database.sql(now))
            .executeAndReturnGeneratedKeys("id")
            .mapTo(Long.class)
            .one();
    Database.event(
        h, now, new Event("operator", "job.queued", "job/" + id, kind + " of " + target));
    return JobRows.find(h, id).orElseThrow();
  }

  /** Starts the oldest queued job: marks it RUNNING and counts the attempt. */
  public Optional<Job> claim() {
    return database.write(
        h -> {
          Optional<Long> next =
              h.createQuery(
                      "SELECT id FROM job WHERE state = 'QUEUED' ORDER BY id LIMIT 1"
                          + " FOR UPDATE SKIP LOCKED")
                  .mapTo(Long.class)
                  .findOne();
          if (next.isEmpty()) {
            return Optional.<Job>empty();
          }
          h.createUpdate(
                  "UPDATE job SET state = 'RUNNING', attempts = attempts + 1, owner = :owner"
                      + " WHERE id = :id")
              .bind("owner", owner)
              .bind("id", next.get())
              .execute();
          return JobRows.find(h, next.get());
        });
  }

  /** Records progress; true when somebody asked for the job to be cancelled. */
  public boolean progress(long id, Progress progress) {
    return database.write(
        h -> {
          h.createUpdate(
                  "UPDATE job SET progress = :p, step = :step, message = :message"
                      + " WHERE id = :id AND state = 'RUNNING' AND owner = :owner")
              .bind("owner", owner)
              .bind("p", Math.max(0, Math.min(1, progress.fraction())))
              .bind("step", Texts.clip(progress.step(), 200))
              .bind("message", Texts.clip(progress.message(), 1_000))
              .bind("id", id)
              .execute();
          return JobRows.find(h, id).map(job -> job.run().cancelRequested()).orElse(true);
        });
  }

  /**
   * Ends a running job and adds what it made, in one transaction; a second ending changes nothing.
   */
  public void finish(long id, Ending ending, Result result) {
    Instant now = clock.instant();
    database.update(
        h -> {
          int updated =
              h.createUpdate(
                      "UPDATE job SET state = :state, error = :error, finished_at = :now,"
                          + " progress = CASE WHEN :state = 'SUCCEEDED' THEN 1 ELSE progress END"
                          + " WHERE id = :id AND state = 'RUNNING' AND owner = :owner")
                  .bind("owner", owner)
                  .bind("state", ending.state().name())
                  .bind("error", JobRows.clipLines(ending.error()))
                  .bind("now", Database.sql(now))
                  .bind("id", id)
                  .execute();
          if (updated == 0) {
            return;
          }
          Job job = JobRows.find(h, id).orElseThrow();
          JobRows.close(h, now, job, result);
        });
  }

  /** Puts a running job back into the queue. */
  public void requeue(long id, Requeue reason) {
    Instant now = clock.instant();
    database.update(
        h -> {
          int updated =
              h.createUpdate(
                      "UPDATE job SET state = 'QUEUED', owner = NULL, attempts = attempts - :back"
                          + " WHERE id = :id AND state = 'RUNNING' AND owner = :owner")
                  .bind("owner", owner)
                  .bind("back", reason == Requeue.COORDINATOR_STOPPED ? 1 : 0)
                  .bind("id", id)
                  .execute();
          if (updated > 0) {
            Database.event(h, now, new Event("jobs", "job.requeued", "job/" + id, reason.name()));
          }
        });
  }

  /** Why a job returns to the queue. */
  public enum Requeue {
    /** Its process died; the attempt counts. */
    CRASHED,
    /**
     * Its coordinator vanished without a word; the attempt counts, because the job itself may be
     * what took the machine down, and would for ever.
     */
    COORDINATOR_LOST,
    /** Its coordinator stopped in good order; the attempt is given back. */
    COORDINATOR_STOPPED
  }

  /**
   * Makes every running job this owner's, oldest first. Only for the holder of the lab's lease, and
   * only while it runs none: whatever is running then has lost its process.
   */
  public List<Job> adoptLeftovers() {
    return database.write(
        h -> {
          h.createUpdate("UPDATE job SET owner = :owner WHERE state = 'RUNNING'")
              .bind("owner", owner)
              .execute();
          return h.createQuery("SELECT * FROM job WHERE state = 'RUNNING' ORDER BY id")
              .map((rs, ctx) -> JobRows.job(rs))
              .list();
        });
  }

  /**
   * Cancels a queued job at once and asks a running one to stop; a finished one is left as it is.
   */
  public Job cancel(long id) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          int queued =
              h.createUpdate(
                      "UPDATE job SET state = 'CANCELLED', cancel_requested = TRUE,"
                          + " finished_at = :now, error = 'cancelled before it started'"
                          + " WHERE id = :id AND state = 'QUEUED'")
                  .bind("now", Database.sql(now))
                  .bind("id", id)
                  .execute();
          h.createUpdate(
                  "UPDATE job SET cancel_requested = TRUE WHERE id = :id AND state = 'RUNNING'")
              .bind("id", id)
              .execute();
          Job job = JobRows.find(h, id).orElseThrow(() -> unknown(id));
          if (queued > 0) {
            JobRows.close(h, now, job, new Result(Optional.empty(), List.of()));
          }
          return job;
        });
  }

  public Optional<Job> find(long id) {
    return database.read(h -> JobRows.find(h, id));
  }

  /** The latest jobs, newest first. */
  public List<Job> latest() {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM job ORDER BY id DESC LIMIT " + LISTED_MAX)
                .map((rs, ctx) -> JobRows.job(rs))
                .list());
  }

  private static CoordinatorException unknown(long id) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND, "cannot find job " + id, "no such job", "list the jobs");
  }
}
