package io.stillhouse.server.device;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillhouse.server.failure.CoordinatorException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where a failure becomes a gRPC status. */
final class Failures {
  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

  private Failures() {}

  static StatusRuntimeException status(RuntimeException failure) {
    if (failure instanceof StatusRuntimeException already) {
      return already;
    }
    if (failure instanceof CoordinatorException known) {
      return of(known).withDescription(known.line()).asRuntimeException();
    }
    if (failure instanceof IllegalArgumentException malformed) {
      return Status.INVALID_ARGUMENT
          .withDescription("malformed message: " + malformed.getMessage())
          .asRuntimeException();
    }
    // A broken database or a defect: the device learns that it may try again, and no more.
    LOG.error("a device's call failed", failure);
    return Status.UNAVAILABLE
        .withDescription("the coordinator cannot answer now; try again later")
        .asRuntimeException();
  }

  private static Status of(CoordinatorException failure) {
    return switch (failure.category()) {
      case INVALID -> Status.INVALID_ARGUMENT;
      case UNAUTHENTICATED -> Status.UNAUTHENTICATED;
      case FORBIDDEN -> Status.PERMISSION_DENIED;
      case NOT_FOUND -> Status.NOT_FOUND;
      case CONFLICT -> Status.ABORTED;
      case EXHAUSTED -> Status.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Status.UNAVAILABLE;
    };
  }
}
