package io.stillhouse.server.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.ServiceJson;
import io.stillhouse.server.storage.Database;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server for operators. Event loops only parse and write; every operation runs on a small
 * pool of workers with a bounded number of calls waiting.
 */
public final class OperatorServer implements AutoCloseable {
  /** Largest request body. */
  static final int BODY_BYTES_MAX = 1 << 20;

  /** Calls that may run or wait at once; more are told to come back. */
  static final int CALLS_MAX = 128;

  private static final Logger LOG = LoggerFactory.getLogger(OperatorServer.class);
  private static final int WORKERS = 6;
  private static final int START_SECONDS_MAX = 20;
  private static final int STOP_SECONDS_MAX = 10;
  private static final String JSON = "application/json; charset=utf-8";

  private final Vertx vertx;
  private final WorkerExecutor workers;
  private final AtomicInteger calls = new AtomicInteger();
  private final RequestGuard guard;
  private final WorkerRoutes labWorkers;
  private final HttpServer server;

  private OperatorServer(
      Vertx vertx, OperatorSettings settings, OperatorServices services, Probes probes) {
    this.vertx = vertx;
    this.workers = vertx.createSharedWorkerExecutor("operator", WORKERS);
    this.guard = new RequestGuard(settings);
    this.labWorkers = new WorkerRoutes(vertx, workers, services.lab().claims());
    this.server =
        vertx
            .createHttpServer(
                new HttpServerOptions()
                    // An upgrade to HTTP/2 on the first request hung with a large answer.
                    .setHttp2ClearTextEnabled(false)
                    .setIdleTimeout(60)
                    .setIdleTimeoutUnit(TimeUnit.SECONDS)
                    .setMaxHeaderSize(16 << 10)
                    .setMaxInitialLineLength(8 << 10))
            .requestHandler(router(services, probes));
  }

  /**
   * Starts to listen and returns once it does.
   *
   * @throws CoordinatorException when the port is taken or the host is not ours
   */
  public static OperatorServer start(
      Vertx vertx, OperatorSettings settings, OperatorServices services, Probes probes) {
    OperatorServer server = new OperatorServer(vertx, settings, services, probes);
    try {
      server
          .server
          .listen(settings.port(), settings.host())
          .toCompletionStage()
          .toCompletableFuture()
          .get(START_SECONDS_MAX, TimeUnit.SECONDS);
      return server;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cannotListen(settings, e);
    } catch (ExecutionException | TimeoutException e) {
      throw cannotListen(settings, e);
    }
  }

  private static CoordinatorException cannotListen(OperatorSettings settings, Exception cause) {
    Throwable said = cause.getCause() == null ? cause : cause.getCause();
    return new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        "cannot serve operators on " + settings.host() + ":" + settings.port(),
        String.valueOf(said.getMessage()),
        "stop what uses the port, or choose another http.port",
        cause);
  }

  /** Where it listens. */
  public int port() {
    return server.actualPort();
  }

  /** Stops listening and lets running calls end. */
  @Override
  public void close() {
    try {
      server
          .close()
          .eventually(workers::close)
          .toCompletionStage()
          .toCompletableFuture()
          .get(STOP_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("the operator server did not stop cleanly: {}", e.toString());
    }
  }

  private Router router(OperatorServices services, Probes probes) {
    Router router = Router.router(vertx);
    router.route().handler(this::admit);
    router.get("/healthz").handler(context -> healthz(context, probes));
    router
        .get("/metrics")
        .handler(
            context ->
                work(
                    context,
                    "text/plain; version=0.0.4; charset=utf-8",
                    request -> probes.metrics().get()));
    page(router, "/", "index.html", "text/html; charset=utf-8");
    page(router, "/console/console.js", "console.js", "text/javascript; charset=utf-8");
    page(router, "/console/console.css", "console.css", "text/css; charset=utf-8");
    page(router, "/openapi.json", "openapi.json", JSON);
    labWorkers.addFiles(router);
    add(router, WorkerRoutes.BASE, labWorkers.routes());
    add(router, OperatorApi.BASE, OperatorApi.routes(services));
    router.route().failureHandler(this::fail);
    for (int status : new int[] {400, 404, 405, 413, 415, 500}) {
      router.errorHandler(status, this::fail);
    }
    return router;
  }

  private void add(Router router, String base, List<Route> routes) {
    router.route(base + "/*").handler(BodyHandler.create(false).setBodyLimit(BODY_BYTES_MAX));
    for (Route route : routes) {
      String path = base + route.path().replaceAll("\\{(\\w+)}", ":$1");
      router
          .route(HttpMethod.valueOf(route.method()), path)
          .handler(context -> call(context, route));
    }
  }

  private void admit(RoutingContext context) {
    HttpServerResponse response = context.response();
    response.putHeader("X-Content-Type-Options", "nosniff");
    response.putHeader("Cache-Control", "no-store");
    response.putHeader("Referrer-Policy", "no-referrer");
    response.putHeader(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    guard.check(context.request());
    context.next();
  }

  private void call(RoutingContext context, Route route) {
    String body = context.body().asString();
    String type = context.request().getHeader("Content-Type");
    if (body != null
        && !body.isBlank()
        && (type == null
            || !type.toLowerCase(java.util.Locale.ROOT).startsWith("application/json"))) {
      // A form of another page could send text without asking; JSON it could not.
      context.fail(415);
      return;
    }
    work(context, JSON, request -> json(route.call().apply(request)));
  }

  private void work(
      RoutingContext context, String contentType, Function<ApiRequest, String> operation) {
    if (calls.incrementAndGet() > CALLS_MAX) {
      calls.decrementAndGet();
      context.fail(429);
      return;
    }
    Map<String, String> query = new TreeMap<>();
    context.queryParams().forEach(entry -> query.putIfAbsent(entry.getKey(), entry.getValue()));
    String body = context.body() == null ? null : context.body().asString();
    ApiRequest request =
        new ApiRequest(Map.copyOf(context.pathParams()), query, body == null ? "" : body);
    workers
        .executeBlocking(() -> operation.apply(request), false)
        .onComplete(
            done -> {
              calls.decrementAndGet();
              if (done.succeeded()) {
                context.response().putHeader("Content-Type", contentType).end(done.result());
              } else {
                context.fail(done.cause());
              }
            });
  }

  private static String json(Object answer) {
    try {
      return ServiceJson.mapper().writeValueAsString(answer);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("answer is no JSON", e);
    }
  }

  private static void healthz(RoutingContext context, Probes probes) {
    Map<String, Boolean> parts = new LinkedHashMap<>(probes.parts().get());
    boolean healthy = parts.values().stream().allMatch(Boolean::booleanValue);
    context
        .response()
        .setStatusCode(healthy ? 200 : 503)
        .putHeader("Content-Type", JSON)
        .end(json(Map.of("status", healthy ? "UP" : "DOWN", "parts", parts)));
  }

  private static void page(Router router, String path, String resource, String contentType) {
    byte[] bytes = resource(resource);
    router
        .get(path)
        .handler(
            context ->
                context
                    .response()
                    .putHeader("Content-Type", contentType)
                    .end(io.vertx.core.buffer.Buffer.buffer(bytes)));
  }

  static byte[] resource(String name) {
    try (InputStream in = OperatorServer.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("missing from the build: " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException("cannot read from the build: " + name, e);
    }
  }

  private void fail(RoutingContext context) {
    Throwable failure = context.failure();
    String method = context.request().method().name();
    String path = context.request().path();
    ErrorBody error;
    if (failure instanceof CoordinatorException said) {
      error = ErrorBody.of(said);
    } else if (Database.away(failure)) {
      LOG.warn(
          "{} {}: the database is away: {}", method, path, String.valueOf(failure.getMessage()));
      error = ErrorBody.databaseAway(method, path == null ? "" : path);
    } else {
      int status = context.statusCode() < 400 ? 500 : context.statusCode();
      if (failure != null && status >= 500) {
        LOG.error("{} {} failed", method, path, failure);
      }
      error = ErrorBody.ofStatus(status, method, path == null ? "" : path);
    }
    if (context.response().ended() || context.response().headWritten()) {
      return;
    }
    if (error.status() == 401) {
      context.response().putHeader("WWW-Authenticate", "Bearer");
    }
    context
        .response()
        .setStatusCode(error.status())
        .putHeader("Content-Type", JSON)
        .end(error.json());
  }
}
