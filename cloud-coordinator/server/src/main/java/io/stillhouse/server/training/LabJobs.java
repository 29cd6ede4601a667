package io.stillhouse.server.training;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.JobService;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.JobTable.Job;
import java.util.List;
import java.util.Locale;

/** The job queue as operators see it. */
public final class LabJobs implements JobService {
  private final JobTable jobs;

  public LabJobs(JobTable jobs) {
    this.jobs = jobs;
  }

  @Override
  public List<JobView> list() {
    return jobs.latest().stream().map(LabJobs::view).toList();
  }

  @Override
  public JobView show(String job) {
    return view(jobs.find(id(job)).orElseThrow(() -> unknown(job)));
  }

  @Override
  public JobView cancel(String job) {
    return view(jobs.cancel(id(job)));
  }

  private static JobView view(Job job) {
    return new JobView(
        Long.toString(job.id()),
        job.kind().name().toLowerCase(Locale.ROOT),
        job.target().model(),
        job.target().version(),
        job.run().state().name(),
        job.run().progress().fraction(),
        job.run().progress().step(),
        job.run().progress().message(),
        job.run().attempts(),
        job.run().error());
  }

  private static long id(String job) {
    try {
      return Long.parseLong(job);
    } catch (NumberFormatException e) {
      throw unknown(job);
    }
  }

  private static CoordinatorException unknown(String job) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND, "cannot find job " + job, "no such job", "list the jobs");
  }
}
