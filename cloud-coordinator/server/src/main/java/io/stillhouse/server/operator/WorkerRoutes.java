package io.stillhouse.server.operator;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.LabClaims;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.file.OpenOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What lab workers on other machines call. It is no part of the API for people and programs: both
 * sides are of one version. Folders travel as files, which event loops only pass on.
 */
final class WorkerRoutes {
  static final String BASE = "/lab/v1";

  /** Largest result of a job, packed. */
  static final long RESULT_BYTES_MAX = 2L << 30;

  /** How often a transfer under way counts as a word of its worker, who says nothing meanwhile. */
  private static final long TRANSFER_BEAT_MILLIS = 10_000;

  private static final LabClaims.ProgressRequest ALIVE = new LabClaims.ProgressRequest(0, "", "");

  private static final String CLAIM = BASE + "/claims/:claim";

  private final Vertx vertx;
  private final WorkerExecutor workers;
  private final LabClaims claims;
  private final long transferBeatMillis;

  WorkerRoutes(Vertx vertx, WorkerExecutor workers, LabClaims claims) {
    this(vertx, workers, claims, TRANSFER_BEAT_MILLIS);
  }

  WorkerRoutes(Vertx vertx, WorkerExecutor workers, LabClaims claims, long transferBeatMillis) {
    this.vertx = vertx;
    this.workers = workers;
    this.claims = claims;
    this.transferBeatMillis = transferBeatMillis;
  }

  /** The calls that take and answer JSON, below {@link #BASE}. */
  List<Route> routes() {
    return List.of(
        new Route("POST", "/claims", r -> claims.claim(r.body(LabClaims.ClaimRequest.class))),
        new Route(
            "POST",
            "/claims/{claim}/progress",
            r -> claims.progress(r.text("claim"), r.body(LabClaims.ProgressRequest.class))),
        new Route(
            "POST",
            "/claims/{claim}/end",
            r -> claims.end(r.text("claim"), r.body(LabClaims.EndRequest.class))));
  }

  /** Adds the calls that take or answer a file; before anything that reads bodies into memory. */
  void addFiles(Router router) {
    router.get(CLAIM + "/inputs").handler(this::inputs);
    router.put(CLAIM + "/result").handler(this::result);
  }

  private void inputs(RoutingContext context) {
    String claim = context.pathParam("claim");
    workers
        .executeBlocking(() -> claims.inputs(claim), false)
        .compose(
            zip ->
                beating(
                        claim,
                        context
                            .response()
                            .putHeader("Content-Type", "application/zip")
                            .sendFile(zip.toString()))
                    .eventually(() -> delete(zip)))
        .onFailure(context::fail);
  }

  private void result(RoutingContext context) {
    HttpServerRequest request = context.request();
    requireLength(request.getHeader("Content-Length"));
    // Nothing of the body is read before there is a file for it.
    request.pause();
    String claim = context.pathParam("claim");
    workers
        .executeBlocking(() -> claims.receiving(claim), false)
        .compose(zip -> beating(claim, receive(request, claim, zip)).eventually(() -> delete(zip)))
        .onSuccess(
            done ->
                context
                    .response()
                    .putHeader("Content-Type", "application/json; charset=utf-8")
                    .end("{}"))
        .onFailure(
            failure -> {
              request.resume();
              context.fail(failure);
            });
  }

  /**
   * A transfer during which the worker lives. One that no longer moves ends by the server's idle
   * timeout, and the beats with it.
   */
  private <T> Future<T> beating(String claim, Future<T> transfer) {
    long timer =
        vertx.setPeriodic(
            transferBeatMillis,
            beat -> workers.executeBlocking(() -> claims.progress(claim, ALIVE), false));
    return transfer.onComplete(ended -> vertx.cancelTimer(timer));
  }

  private Future<Boolean> receive(HttpServerRequest request, String claim, Path zip) {
    return vertx
        .fileSystem()
        .open(zip.toString(), new OpenOptions().setTruncateExisting(true))
        .compose(request::pipeTo)
        .compose(
            received ->
                workers.executeBlocking(
                    () -> {
                      claims.deliver(claim, zip);
                      return true;
                    },
                    false));
  }

  private Future<Void> delete(Path file) {
    return vertx.fileSystem().delete(file.toString()).otherwiseEmpty();
  }

  private static void requireLength(@Nullable String length) {
    if (length == null
        || !length.matches("\\d{1,18}")
        || Long.parseLong(length) > RESULT_BYTES_MAX) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot take the result of a job",
          "Content-Length: %s (expected: at most %d)".formatted(length, RESULT_BYTES_MAX),
          "send less");
    }
  }
}
