package io.stillhouse.drive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * One agent's inference API (Open Inference Protocol v2, REST): raw pixels in, scores out, with the
 * true labels as feedback where they are known. Thread-safe.
 */
public final class AgentClient {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient http;
  private final URI base;
  private final String model;

  public AgentClient(HttpClient http, URI base, String model) {
    this.http = http;
    this.base = base;
    this.model = model;
  }

  /** How many of a batch were classified as labelled. */
  public record Answer(int images, int correct) {}

  /**
   * Sends images {@code [from, from + count)}; empty while the agent has no model or is busy, which
   * is normal during a swap.
   */
  public Optional<Answer> classify(TestImages images, int from, int count) {
    StringBuilder body = new StringBuilder(count * images.height() * images.width() * 4);
    body.append("{\"parameters\":{\"expected_label\":[");
    for (int i = 0; i < count; i++) {
      body.append(i == 0 ? "" : ",").append(images.label(from + i));
    }
    body.append("]},\"inputs\":[{\"name\":\"input\",\"datatype\":\"UINT8\",\"shape\":[")
        .append(count)
        .append(',')
        .append(images.channels())
        .append(',')
        .append(images.height())
        .append(',')
        .append(images.width())
        .append("],\"data\":[");
    for (int i = 0; i < count; i++) {
      for (byte pixel : images.pixels(from + i)) {
        body.append(pixel & 0xff).append(',');
      }
    }
    body.setLength(body.length() - 1);
    body.append("]}]}");
    HttpRequest request =
        HttpRequest.newBuilder(base.resolve("/v2/models/" + model + "/infer"))
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build();
    try {
      HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
      if (response.statusCode() == 400) {
        throw new DriveException(
            "inference at " + request.uri(),
            new String(response.body(), StandardCharsets.UTF_8),
            "Report this");
      }
      if (response.statusCode() != 200) {
        return Optional.empty();
      }
      return Optional.of(score(json.readTree(response.body()), images, from, count));
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private static Answer score(JsonNode response, TestImages images, int from, int count) {
    JsonNode data = response.path("outputs").path(0).path("data");
    int classes = data.size() / count;
    int correct = 0;
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        if (data.get(i * classes + c).asDouble() > data.get(i * classes + best).asDouble()) {
          best = c;
        }
      }
      correct += best == images.label(from + i) ? 1 : 0;
    }
    return new Answer(count, correct);
  }
}
