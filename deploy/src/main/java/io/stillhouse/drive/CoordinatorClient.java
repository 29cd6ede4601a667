package io.stillhouse.drive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** The coordinator's operator API, as any client would call it. Thread-safe. */
public final class CoordinatorClient {
  /** States in which a rollout does nothing more by itself. */
  public static final Set<String> ROLLOUT_ENDS =
      Set.of(
          "SUCCEEDED",
          "SUCCEEDED_WITH_TAIL",
          "ROLLED_BACK",
          "ROLLBACK_INCOMPLETE",
          "SUPERSEDED",
          "CANCELLED",
          "PAUSED");

  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient http;
  private final URI base;

  public CoordinatorClient(HttpClient http, URI base) {
    this.http = http;
    this.base = base;
  }

  public JsonNode get(String path) {
    return send(HttpRequest.newBuilder(base.resolve("/api/v1" + path)).GET());
  }

  public JsonNode post(String path, Map<String, ?> body) {
    try {
      return send(
          HttpRequest.newBuilder(base.resolve("/api/v1" + path))
              .header("content-type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(json.writeValueAsString(body))));
    } catch (IOException e) {
      throw new DriveException("request " + path, String.valueOf(e.getMessage()), "Report this");
    }
  }

  /** True once the coordinator says that everything serves. */
  public boolean healthy() {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(base.resolve("/healthz")).timeout(TIMEOUT).GET().build();
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private JsonNode send(HttpRequest.Builder builder) {
    HttpRequest request = builder.timeout(TIMEOUT).build();
    String what = request.method() + " " + request.uri();
    try {
      HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
      JsonNode body = json.readTree(response.body());
      if (response.statusCode() >= 300) {
        JsonNode error = body.path("error");
        throw new DriveException(
            what,
            response.statusCode()
                + " "
                + error.path("what").asText()
                + ": "
                + error.path("why").asText(),
            error.path("fix").asText("See the coordinator's log"));
      }
      return body;
    } catch (IOException e) {
      throw new DriveException(what, String.valueOf(e.getMessage()), "See the coordinator's log");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DriveException(what, "interrupted", "Run it again");
    }
  }
}
