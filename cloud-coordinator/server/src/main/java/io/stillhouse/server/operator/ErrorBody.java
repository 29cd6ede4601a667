package io.stillhouse.server.operator;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.vertx.core.json.JsonObject;

/** The one form of every error: {@code {"error": {"what", "why", "fix"}}}. */
record ErrorBody(int status, String what, String why, String fix) {
  static ErrorBody of(CoordinatorException failure) {
    return new ErrorBody(
        failure.category().httpStatus(), failure.what(), failure.why(), failure.fix());
  }

  static ErrorBody databaseAway(String method, String path) {
    return new ErrorBody(
        ErrorCategory.UNAVAILABLE.httpStatus(),
        "cannot answer " + method + " " + path,
        "the database does not answer",
        "bring it back and try again; /healthz says when it is there");
  }

  static ErrorBody ofStatus(int status, String method, String path) {
    String what = "cannot answer " + method + " " + path;
    return switch (status) {
      case 404 -> new ErrorBody(status, what, "there is no such address", "see /openapi.json");
      case 405 -> new ErrorBody(status, what, "not with this method", "see /openapi.json");
      case 413 ->
          new ErrorBody(
              status,
              what,
              "the body is larger than " + OperatorServer.BODY_BYTES_MAX + " bytes",
              "send less");
      case 415 ->
          new ErrorBody(
              status, what, "the body is not JSON", "send it with Content-Type: application/json");
      case 429 ->
          new ErrorBody(status, what, "too many calls are waiting already", "try again shortly");
      default ->
          status >= 400 && status < 500
              ? new ErrorBody(status, what, "the request is malformed", "see /openapi.json")
              : new ErrorBody(500, what, "a defect in the coordinator", "its log has the details");
    };
  }

  String json() {
    return new JsonObject()
        .put("error", new JsonObject().put("what", what).put("why", why).put("fix", fix))
        .encode();
  }
}
