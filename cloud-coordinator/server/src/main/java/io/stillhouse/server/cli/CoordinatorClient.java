package io.stillhouse.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.server.service.ServiceJson;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The REST API as commands use it: JSON or a {@link CliException} with the server's own words. */
final class CoordinatorClient {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(5);
  private static final Duration ANSWER_MAX = Duration.ofSeconds(30);

  private final URI base;
  private final String token;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_MAX)
          .build();

  CoordinatorClient(String url, String token) {
    this.base = base(url);
    this.token = token;
  }

  /** The URL as calls continue it, or one line about what is wrong with it. */
  static URI base(String url) {
    try {
      URI uri = URI.create(url.endsWith("/") ? url.substring(0, url.length() - 1) : url);
      if (uri.getHost() != null
          && uri.getScheme() != null
          && uri.getScheme().matches("https?")
          && uri.getQuery() == null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw noUrl(url);
    }
    throw noUrl(url);
  }

  private static CliException noUrl(String url) {
    return new CliException(
        "cannot use the coordinator '" + url + "'",
        "it is no http(s) URL",
        "give --coordinator like " + CoordinatorOption.DEFAULT);
  }

  /** A value as one part of a path. */
  static String part(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }

  JsonNode get(String path) {
    return send("GET", path, HttpRequest.BodyPublishers.noBody());
  }

  JsonNode post(String path, Object body) {
    return send("POST", path, json(body));
  }

  JsonNode put(String path, Object body) {
    return send("PUT", path, json(body));
  }

  /** Another form of what {@link #get} answered. */
  static <T> T as(JsonNode answer, Class<T> type) {
    try {
      return ServiceJson.mapper().treeToValue(answer, type);
    } catch (JsonProcessingException e) {
      throw new CliException(
          "cannot understand the coordinator",
          "its answer is no " + type.getSimpleName(),
          "use the command line of the coordinator's own version");
    }
  }

  private static HttpRequest.BodyPublisher json(Object body) {
    try {
      return HttpRequest.BodyPublishers.ofString(ServiceJson.mapper().writeValueAsString(body));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON", e);
    }
  }

  private JsonNode send(String method, String path, HttpRequest.BodyPublisher body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
            .timeout(ANSWER_MAX)
            .header("Content-Type", "application/json")
            .method(method, body);
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    try {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      JsonNode answer = ServiceJson.mapper().readTree(response.body());
      if (response.statusCode() >= 300) {
        JsonNode error = answer.path("error");
        throw new CliException(
            error.path("what").asText(method + " " + path + " was refused"),
            error.path("why").asText("status " + response.statusCode()),
            error.path("fix").asText("check --coordinator"));
      }
      return answer;
    } catch (JsonProcessingException e) {
      throw new CliException(
          "cannot understand " + base, "it does not answer JSON", "check --coordinator");
    } catch (HttpTimeoutException e) {
      throw new CliException(
          "cannot reach the coordinator at " + base,
          "it did not answer in time",
          "check that it is healthy, or give --coordinator URL");
    } catch (ConnectException e) {
      throw new CliException(
          "cannot reach the coordinator at " + base,
          "nothing listens there",
          "start it with 'stillhouse serve', or give --coordinator URL");
    } catch (IOException e) {
      throw new CliException(
          "cannot reach the coordinator at " + base,
          String.valueOf(e.getMessage()),
          "check --coordinator");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("gave up on " + base, "interrupted", "run the command again");
    }
  }
}
