package io.stillhouse.server.failure;

/** Why a request failed, in the few ways that a caller can act upon. */
public enum ErrorCategory {
  /** The request itself is wrong and will stay wrong. */
  INVALID(400),
  /** The caller is not who it has to be. */
  UNAUTHENTICATED(401),
  /** The caller is known and may not do this. */
  FORBIDDEN(403),
  /** What the request names does not exist. */
  NOT_FOUND(404),
  /** What the request names is in a state that does not allow it. */
  CONFLICT(409),
  /** A named bound is reached; later may work. */
  EXHAUSTED(429),
  /** Disk, database or another part is failing; later may work. */
  UNAVAILABLE(503);

  private final int httpStatus;

  ErrorCategory(int httpStatus) {
    this.httpStatus = httpStatus;
  }

  /** The HTTP status that says the same. */
  public int httpStatus() {
    return httpStatus;
  }
}
