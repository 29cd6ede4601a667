package io.stillhouse.server.remote;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.stillhouse.server.service.LabClaims.ClaimAnswer;
import io.stillhouse.server.service.LabClaims.ClaimRequest;
import io.stillhouse.server.service.LabClaims.EndRequest;
import io.stillhouse.server.service.LabClaims.Heard;
import io.stillhouse.server.service.LabClaims.ProgressRequest;
import io.stillhouse.server.service.ServiceJson;
import java.io.IOException;
import java.io.Serial;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A worker's calls over HTTP. Each ends in an answer, or says how the work can go on. Blocks. */
public final class ClaimCalls {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(5);
  private static final Duration ANSWER_MAX = Duration.ofSeconds(15);
  private static final Duration FILE_MAX = Duration.ofMinutes(30);
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY = 429;
  private static final int SERVER_ERROR = 500;

  private final URI base;
  private final String token;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_MAX)
          .build();

  /** Later may work: the coordinator is away, or cannot for now. */
  static final class AwayException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    AwayException(String message) {
      super(message);
    }
  }

  /** The job is no longer this worker's. */
  static final class LostException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    LostException(String message) {
      super(message);
    }
  }

  /** The coordinator does not take this worker's calls, and will not. */
  public static final class RefusedException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final String why;
    private final String fix;

    RefusedException(String why, String fix) {
      super(why + "; " + fix);
      this.why = why;
      this.fix = fix;
    }

    public String why() {
      return why;
    }

    public String fix() {
      return fix;
    }
  }

  /**
   * Calls to one coordinator.
   *
   * @param base like {@code http://host:8080}
   * @param token of operators; empty: none is sent
   */
  public ClaimCalls(URI base, String token) {
    this.base = base;
    this.token = token;
  }

  /** Where the coordinator is. */
  public URI base() {
    return base;
  }

  ClaimAnswer claim(String worker) throws AwayException, InterruptedException {
    try {
      return post("/claims", new ClaimRequest(worker), ClaimAnswer.class);
    } catch (LostException e) {
      // Something listens there, but no coordinator that knows of lab workers.
      throw new RefusedException(String.valueOf(e.getMessage()), "check --coordinator");
    }
  }

  void progress(String claim, ProgressRequest progress)
      throws AwayException, LostException, InterruptedException {
    post("/claims/" + claim + "/progress", progress, Heard.class);
  }

  void end(String claim, EndRequest ending)
      throws AwayException, LostException, InterruptedException {
    post("/claims/" + claim + "/end", ending, Heard.class);
  }

  /** Receives the packed inputs into a file. */
  void inputs(String claim, Path zip) throws AwayException, LostException, InterruptedException {
    HttpRequest request = request("/claims/" + claim + "/inputs", FILE_MAX).GET().build();
    check(send(request, HttpResponse.BodyHandlers.ofFile(zip)), () -> text(zip));
  }

  void deliver(String claim, Path zip) throws AwayException, LostException, InterruptedException {
    HttpRequest request;
    try {
      request =
          request("/claims/" + claim + "/result", FILE_MAX).PUT(BodyPublishers.ofFile(zip)).build();
    } catch (IOException e) {
      throw new AwayException(e.toString());
    }
    HttpResponse<String> answer = send(request, HttpResponse.BodyHandlers.ofString());
    check(answer, answer::body);
  }

  private <T> T post(String path, Object body, Class<T> type)
      throws AwayException, LostException, InterruptedException {
    try {
      BodyPublisher json = BodyPublishers.ofString(ServiceJson.mapper().writeValueAsString(body));
      HttpRequest request =
          request(path, ANSWER_MAX).header("Content-Type", "application/json").POST(json).build();
      HttpResponse<String> answer = send(request, HttpResponse.BodyHandlers.ofString());
      check(answer, answer::body);
      return ServiceJson.mapper().readValue(answer.body(), type);
    } catch (JsonProcessingException e) {
      throw new RefusedException(
          "its answer is no " + type.getSimpleName(), "run coordinator and worker of one version");
    }
  }

  private HttpRequest.Builder request(String path, Duration most) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + "/lab/v1" + path)).timeout(most);
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    return request;
  }

  private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws AwayException, InterruptedException {
    try {
      return http.send(request, handler);
    } catch (ConnectException e) {
      throw new AwayException("nothing answers there");
    } catch (IOException e) {
      throw new AwayException(e.toString());
    }
  }

  private interface Text {
    String get();
  }

  private static void check(HttpResponse<?> answer, Text body) throws AwayException, LostException {
    int status = answer.statusCode();
    if (status == OK) {
      return;
    }
    JsonNode error = error(body.get());
    String what = error.path("what").asText("the call was refused");
    String why = what + ": " + error.path("why").asText("status " + status);
    if (status == NOT_FOUND) {
      throw new LostException(why);
    }
    if (status == TOO_MANY || status >= SERVER_ERROR) {
      throw new AwayException(why);
    }
    throw new RefusedException(why, error.path("fix").asText("check --coordinator"));
  }

  private static JsonNode error(String body) {
    try {
      return ServiceJson.mapper().readTree(body).path("error");
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }
}
