package io.stillhouse.server.training;

import io.stillhouse.server.storage.JobTable.Progress;
import io.stillhouse.server.training.WorkerOutcome.StopReason;
import java.nio.file.Path;
import java.util.Optional;

/** Where attempts of jobs are done: in a child process of this one, or on another machine. */
public interface Workplace {
  /**
   * Does the order of a job's folder, to its end. Blocks.
   *
   * @param jobDirectory holds {@code job.json}, and what an earlier attempt left
   */
  WorkerOutcome run(Path jobDirectory, Watcher watcher) throws InterruptedException;

  /** Who watches an attempt; called on the running thread a few times a second. */
  interface Watcher {
    /**
     * Takes note of an attempt's state and may end it.
     *
     * @param progress what is new, if anything
     * @return why to stop, if so
     */
    Optional<StopReason> observe(Optional<Progress> progress);
  }
}
