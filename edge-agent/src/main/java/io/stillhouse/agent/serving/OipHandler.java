package io.stillhouse.agent.serving;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.InferenceOutcome.Answered;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.ModelHost;
import java.io.ByteArrayOutputStream;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes the Open Inference Protocol v2:
 *
 * <pre>
 * GET  /v2                                        server metadata
 * GET  /v2/health/live, /v2/health/ready          ready means that a model is live
 * GET  /v2/models/{m}[/versions/{v}]              model metadata
 * GET  /v2/models/{m}[/versions/{v}]/ready
 * POST /v2/models/{m}[/versions/{v}]/infer
 * </pre>
 *
 * <p>Errors are {@code {"error": "..."}} with one line. A request with an {@code Origin} header is
 * refused: it comes from a web page, and no page has a business with a device's model or with the
 * feedback that judges it.
 */
final class OipHandler implements HttpHandler {
  private static final long BODY_BYTES_MAX = 16 << 20;
  private static final int BINARY_HEADER_BYTES_MAX = 64 << 10;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Logger log = LoggerFactory.getLogger(OipHandler.class);

  private final ModelHost host;
  private final String agentVersion;

  OipHandler(ModelHost host, String agentVersion) {
    this.host = host;
    this.agentVersion = agentVersion;
  }

  /** A JSON document. */
  private interface Document {
    void writeTo(JsonGenerator json) throws IOException;
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      try {
        respond(exchange, 200, answer(exchange));
      } catch (HttpProblem e) {
        respondError(exchange, e.status(), String.valueOf(e.getMessage()));
      } catch (BoundedBody.TooLongException e) {
        respondError(exchange, 413, "the body is longer than " + BODY_BYTES_MAX + " bytes");
      } catch (JsonProcessingException e) {
        respondError(exchange, 400, "the body is not JSON: " + Texts.shown(e.getOriginalMessage()));
      } catch (CharConversionException e) {
        respondError(exchange, 400, "the body is not JSON: it is no valid UTF-8");
      } catch (RuntimeException e) {
        log.error("An inference request failed in the agent itself", e);
        respondError(exchange, 500, "internal error; the agent's log has the cause");
      }
    }
  }

  private Document answer(HttpExchange exchange) throws IOException, HttpProblem {
    if (exchange.getRequestHeaders().containsKey("Origin")) {
      throw new HttpProblem(403, "requests from web pages are refused");
    }
    String[] path = String.valueOf(exchange.getRequestURI().getPath()).split("/", -1);
    List<String> parts = List.of(path).subList(Math.min(1, path.length), path.length);
    if (parts.isEmpty() || !parts.get(0).equals("v2")) {
      throw notFound();
    }
    List<String> rest = parts.subList(1, parts.size());
    if (rest.isEmpty() || rest.equals(List.of(""))) {
      requireMethod(exchange, "GET");
      return this::serverMetadata;
    }
    if (rest.equals(List.of("health", "live"))) {
      requireMethod(exchange, "GET");
      return json -> flag(json, "live");
    }
    if (rest.equals(List.of("health", "ready"))) {
      requireMethod(exchange, "GET");
      liveSlot();
      return json -> flag(json, "ready");
    }
    if (rest.size() >= 2 && rest.get(0).equals("models")) {
      return model(exchange, rest.subList(1, rest.size()));
    }
    throw notFound();
  }

  /** Path after {@code /v2/models}: name, then optionally a version, then optionally a verb. */
  private Document model(HttpExchange exchange, List<String> path) throws IOException, HttpProblem {
    boolean versioned = path.size() >= 3 && path.get(1).equals("versions");
    List<String> verb = path.subList(versioned ? 3 : 1, path.size());
    boolean infer = verb.equals(List.of("infer"));
    boolean ready = verb.equals(List.of("ready"));
    if (!infer && !ready && !verb.isEmpty()) {
      throw notFound();
    }
    requireMethod(exchange, infer ? "POST" : "GET");
    LoadedSlot slot = liveSlot();
    if (!slot.card().model().equals(path.get(0))) {
      throw new HttpProblem(
          404,
          "model \"%s\" is not on this device (live: \"%s\")"
              .formatted(Texts.shown(path.get(0)), slot.card().model()));
    }
    if (versioned && !Long.toString(slot.card().version()).equals(path.get(2))) {
      throw new HttpProblem(
          404,
          "version \"%s\" is not live (live: \"%d\")"
              .formatted(Texts.shown(path.get(2)), slot.card().version()));
    }
    if (infer) {
      return infer(exchange, slot);
    }
    return ready
        ? json -> {
          json.writeStartObject();
          json.writeStringField("name", slot.card().model());
          json.writeBooleanField("ready", true);
          json.writeEndObject();
        }
        : json -> InferResponse.metadata(json, slot);
  }

  private Document infer(HttpExchange exchange, LoadedSlot slot) throws IOException, HttpProblem {
    InferRequest request =
        InferRequest.checked(
            readDraft(exchange, slot), slot.card().preprocessing(), slot.card().labels().size());
    List<Answered> answers = new ArrayList<>(request.count());
    for (int i = 0; i < request.count(); i++) {
      answers.add(answered(slot, request, i));
    }
    return json -> InferResponse.write(json, request, answers);
  }

  private static InferRequest.Draft readDraft(HttpExchange exchange, LoadedSlot slot)
      throws IOException, HttpProblem {
    int elements = slot.card().preprocessing().elements();
    InputStream body = new BoundedBody(exchange.getRequestBody(), BODY_BYTES_MAX);
    String headerBytes = exchange.getRequestHeaders().getFirst("Inference-Header-Content-Length");
    if (headerBytes == null) {
      return InferRequestReader.read(body, elements);
    }
    int length = parseLength(headerBytes);
    byte[] header = body.readNBytes(length);
    if (header.length < length) {
      throw HttpProblem.badRequest("the body ends within its JSON part");
    }
    return InferRequestReader.readBinary(header, body, elements);
  }

  private static int parseLength(String text) throws HttpProblem {
    try {
      int length = Integer.parseInt(text);
      if (length > 0 && length <= BINARY_HEADER_BYTES_MAX) {
        return length;
      }
    } catch (NumberFormatException e) {
      log.trace("Not a number: {}", text);
    }
    throw HttpProblem.badRequest(
        "Inference-Header-Content-Length (expected: 1 to %d)".formatted(BINARY_HEADER_BYTES_MAX));
  }

  /** One image, on the very artifact by whose card the request was read. */
  private Answered answered(LoadedSlot slot, InferRequest request, int index) throws HttpProblem {
    InferenceOutcome outcome =
        host.infer(slot.digest(), request.image(index), request.expectedLabel(index));
    if (outcome instanceof Answered answer) {
      return answer;
    }
    throw outcome.match(
        answer -> new HttpProblem(500, "answered and not answered"),
        busy -> new HttpProblem(503, "too many inferences at once; try again"),
        noModel -> noModel(),
        replaced -> new HttpProblem(503, "the model changed under the request; send it again"),
        rejected -> HttpProblem.badRequest(rejected.reason()),
        failed -> new HttpProblem(500, failed.reason()));
  }

  private LoadedSlot liveSlot() throws HttpProblem {
    return host.live().orElseThrow(OipHandler::noModel);
  }

  private static HttpProblem noModel() {
    return new HttpProblem(503, "no model is live on this device");
  }

  private static HttpProblem notFound() {
    return new HttpProblem(404, "no such path (expected: Open Inference Protocol v2, see GET /v2)");
  }

  private static void requireMethod(HttpExchange exchange, String method) throws HttpProblem {
    if (!exchange.getRequestMethod().equals(method)) {
      exchange.getResponseHeaders().set("Allow", method);
      throw new HttpProblem(405, "use " + method);
    }
  }

  private void serverMetadata(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", "stillhouse-agent");
    json.writeStringField("version", agentVersion);
    json.writeArrayFieldStart("extensions");
    json.writeString("binary_tensor_data");
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void flag(JsonGenerator json, String name) throws IOException {
    json.writeStartObject();
    json.writeBooleanField(name, true);
    json.writeEndObject();
  }

  private static void respondError(HttpExchange exchange, int status, String message)
      throws IOException {
    if (status == 503) {
      exchange.getResponseHeaders().set("Retry-After", "1");
    } else {
      // The rest of a refused body may be unread, and the server then drops the connection: a
      // client that is not told would send its next request into a closed socket.
      exchange.getResponseHeaders().set("Connection", "close");
    }
    respond(
        exchange,
        status,
        json -> {
          json.writeStartObject();
          json.writeStringField("error", message);
          json.writeEndObject();
        });
  }

  private static void respond(HttpExchange exchange, int status, Document document)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      document.writeTo(json);
    }
    Headers headers = exchange.getResponseHeaders();
    headers.set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.size());
    bytes.writeTo(exchange.getResponseBody());
  }
}
