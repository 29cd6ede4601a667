package io.stillhouse.server.testing;

import io.stillhouse.server.storage.Database;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import java.time.InstantSource;
import java.util.OptionalLong;

/** The lab's queue as tests fill and watch it. */
public record QueuedJobs(Database database, InstantSource clock) {
  /** The queue as one coordinator has it. */
  public JobTable of(String owner) {
    return new JobTable(database, clock, owner);
  }

  public Job submit(String order) {
    return of("x")
        .submitVersion(
            JobTable.Kind.TRAIN,
            "inspect",
            new Training("d", "n", 1, 1, 1),
            OptionalLong.empty(),
            id -> order);
  }

  public Job now(Job job) {
    return of("x").find(job.id()).orElseThrow();
  }

  /** Waits for its end. */
  public Job ended(Job job) {
    Eventually.holds("the job ends", () -> now(job).run().state().isFinal());
    return now(job);
  }

  /** Waits until its worker has said something. */
  public void progressed(Job job) {
    Eventually.holds("the job makes progress", () -> now(job).run().progress().fraction() > 0);
  }
}
