package io.stillhouse.server.remote;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.LabClaims;
import java.nio.file.Path;

/** For a coordinator that does its lab's jobs itself: nobody else is given any. */
public final class LocalLab implements LabClaims {
  @Override
  public ClaimAnswer claim(ClaimRequest request) {
    throw refused();
  }

  @Override
  public Heard progress(String claim, ProgressRequest progress) {
    throw refused();
  }

  @Override
  public Path inputs(String claim) {
    throw refused();
  }

  @Override
  public Path receiving(String claim) {
    throw refused();
  }

  @Override
  public void deliver(String claim, Path packed) {
    throw refused();
  }

  @Override
  public Heard end(String claim, EndRequest ending) {
    throw refused();
  }

  private static CoordinatorException refused() {
    return new CoordinatorException(
        ErrorCategory.FORBIDDEN,
        "cannot give work to lab workers",
        "this coordinator does its lab's jobs itself",
        "set lab.remoteWorkers: true and start it again");
  }
}
