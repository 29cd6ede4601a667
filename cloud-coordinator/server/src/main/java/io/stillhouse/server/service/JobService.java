package io.stillhouse.server.service;

import java.util.List;

/**
 * The lab's jobs. Methods block and throw {@link
 * io.stillhouse.server.failure.CoordinatorException}; implementations are thread-safe.
 */
public interface JobService {
  /** The latest jobs, newest first. */
  List<JobView> list();

  JobView show(String job);

  /** Cancels a queued job at once and asks a running one to stop; a finished one stays as it is. */
  JobView cancel(String job);

  /**
   * A job.
   *
   * @param kind {@code train}, {@code tailor} or {@code harm}
   * @param state {@code QUEUED}, {@code RUNNING}, {@code SUCCEEDED}, {@code FAILED} or {@code
   *     CANCELLED}
   * @param progress 0..1
   * @param error empty unless it failed; several lines when they are a dead process's last output
   */
  record JobView(
      String id,
      String kind,
      String model,
      long version,
      String state,
      double progress,
      String step,
      String message,
      int attempts,
      String error) {}
}
