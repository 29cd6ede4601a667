package io.stillhouse.server.storage;

import io.stillhouse.server.storage.JobTable.Job;
import io.stillhouse.server.storage.JobTable.Progress;
import io.stillhouse.server.storage.JobTable.Result;
import io.stillhouse.server.storage.JobTable.Run;
import io.stillhouse.server.storage.JobTable.TrainedVersion;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.ModelCatalogue.VersionState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Reads jobs and writes their endings, inside the caller's transaction. */
final class JobRows {
  private static final int ERROR_CHARS_MAX = 16_000;

  private JobRows() {}

  /** Everything that ends with a job: its version's state, its variants, its line in the trail. */
  static void close(Handle h, Instant now, Job job, Result result) {
    JobTable.State state = job.run().state();
    if (state == JobTable.State.SUCCEEDED) {
      result.variants().forEach(variant -> ModelCatalogue.putVariant(h, now, variant));
      ModelCatalogue.finishVersion(
          h,
          job.target(),
          VersionState.READY,
          result.version().map(TrainedVersion::directory),
          result.version().map(TrainedVersion::reportJson).orElse(""));
    } else {
      // Only a version that is still being made fails with its job; tailoring leaves it READY.
      ModelCatalogue.finishVersion(h, job.target(), VersionState.FAILED, Optional.empty(), "");
    }
    Database.event(
        h,
        now,
        new Event(
            "jobs",
            "job." + state.name().toLowerCase(java.util.Locale.ROOT),
            "job/" + job.id(),
            job.kind() + " of " + job.target() + " " + job.run().error()));
  }

  static Optional<Job> find(Handle h, long id) {
    return h.createQuery("SELECT * FROM job WHERE id = :id")
        .bind("id", id)
        .map((rs, ctx) -> job(rs))
        .findOne();
  }

  static Job job(ResultSet rs) throws SQLException {
    return new Job(
        rs.getLong("id"),
        JobTable.Kind.valueOf(rs.getString("kind")),
        new VersionId(rs.getString("model"), rs.getLong("version")),
        rs.getString("spec"),
        new Run(
            JobTable.State.valueOf(rs.getString("state")),
            rs.getInt("attempts"),
            new Progress(rs.getDouble("progress"), rs.getString("step"), rs.getString("message")),
            Optional.ofNullable(rs.getString("error")).orElse(""),
            rs.getBoolean("cancel_requested")));
  }

  /** An error keeps its line breaks: its tail is the dead process's last output. */
  static String clipLines(String text) {
    String clean = text.replaceAll("[\\p{Cntrl}&&[^\n]]", " ");
    return clean.length() <= ERROR_CHARS_MAX
        ? clean
        : clean.substring(clean.length() - ERROR_CHARS_MAX);
  }
}
