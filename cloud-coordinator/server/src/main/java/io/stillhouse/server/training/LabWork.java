package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.storage.JobTable;
import java.io.IOException;
import java.nio.file.Path;

/** What surrounds a worker: the order it reads, and what is made of its result. */
public interface LabWork {
  /**
   * Writes {@code job.json}; the directory exists, and keeps what an earlier attempt left in it.
   */
  void prepare(JobTable.Job job, Path jobDirectory) throws IOException;

  /**
   * Turns a worker's result into what the catalogue keeps: packages, signs, stores.
   *
   * @throws io.stillhouse.server.failure.CoordinatorException when it cannot; the job fails with it
   */
  JobTable.Result complete(JobTable.Job job, JsonNode result);
}
