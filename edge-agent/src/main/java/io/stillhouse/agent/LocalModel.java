package io.stillhouse.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The model of the agent that runs on this machine, through its inference API. */
final class LocalModel {
  private static final int PORT_FILE_BYTES_MAX = 16;
  private static final int PORT_MAX = 65_535;
  private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final URI model;
  private final JsonNode shape;
  private final List<String> labels = new ArrayList<>();

  /** What the model says about one picture. */
  record Answer(String label, double confidence) {}

  private LocalModel(URI model) throws IOException {
    this.model = model;
    JsonNode metadata = send(HttpRequest.newBuilder(model));
    this.shape = metadata.path("inputs").path(0).path("shape");
    metadata.path("parameters").path("labels").forEach(label -> labels.add(label.asText()));
  }

  /**
   * Finds the running agent of a data directory.
   *
   * @param host where it serves inference; one that stands for all addresses is dialled as loopback
   * @param name of the model it serves
   * @throws NumberFormatException when the file holds no port
   * @throws IOException when nothing answers there
   */
  static LocalModel of(String host, Path portFile, String name) throws IOException {
    int port = port(portFile);
    InetAddress address = InetAddress.getByName(host);
    String dialled =
        (address.isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : address).getHostAddress();
    try {
      return new LocalModel(new URI("http", null, dialled, port, "/v2/models/" + name, null, null));
    } catch (URISyntaxException e) {
      throw new IOException("its model has no address: " + e.getMessage(), e);
    }
  }

  private static int port(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      // Any bytes are Latin-1: what is not a number shall say so, and not that it is no text.
      String text =
          new String(in.readNBytes(PORT_FILE_BYTES_MAX), StandardCharsets.ISO_8859_1).strip();
      int port = Integer.parseInt(text);
      if (port < 1 || port > PORT_MAX) {
        throw new NumberFormatException(port + " (expected: 1 to " + PORT_MAX + ")");
      }
      return port;
    }
  }

  /** The classes that it tells apart. */
  List<String> labels() {
    return List.copyOf(labels);
  }

  /**
   * Asks about one picture.
   *
   * @param expected its true class, one of {@link #labels}, where it is known
   */
  Answer classify(Path picture, Optional<String> expected) throws IOException {
    byte[] pixels =
        Picture.read(picture, shape.path(1).asInt(), shape.path(2).asInt(), shape.path(3).asInt());
    StringBuilder body =
        new StringBuilder(pixels.length * 4)
            .append("{\"parameters\":{\"expected_label\":[")
            .append(expected.map(label -> Integer.toString(labels.indexOf(label))).orElse(""))
            .append("]},\"inputs\":[{\"name\":\"input\",\"datatype\":\"UINT8\",\"shape\":[1,")
            .append(shape.path(1).asInt())
            .append(',')
            .append(shape.path(2).asInt())
            .append(',')
            .append(shape.path(3).asInt())
            .append("],\"data\":[");
    for (int i = 0; i < pixels.length; i++) {
      body.append(i == 0 ? "" : ",").append(pixels[i] & 0xff);
    }
    body.append("]}],\"outputs\":[{\"name\":\"label\"},{\"name\":\"confidence\"}]}");
    JsonNode outputs =
        send(HttpRequest.newBuilder(URI.create(model + "/infer"))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString())))
            .path("outputs");
    return new Answer(
        outputs.path(0).path("data").path(0).asText(),
        outputs.path(1).path("data").path(0).asDouble());
  }

  private JsonNode send(HttpRequest.Builder request) throws IOException {
    try {
      HttpResponse<byte[]> response =
          http.send(request.timeout(ANSWER_MAX).build(), HttpResponse.BodyHandlers.ofByteArray());
      JsonNode body = JSON.readTree(response.body());
      if (response.statusCode() != 200) {
        throw new IOException("the agent refused: " + body.path("error").asText());
      }
      return body;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
