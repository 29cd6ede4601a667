package io.stillhouse.agent.serving;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.inference.HostSettings;
import io.stillhouse.agent.inference.InferenceOutcome;
import io.stillhouse.agent.inference.LiveStats;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.OnnxModelHost;
import io.stillhouse.agent.testing.ScriptedHost;
import io.stillhouse.agent.testing.Slots;
import io.stillhouse.agent.testing.TinyModels;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class InferenceServerTest {
  private static final String INFER = "/v2/models/inspect/infer";
  private static final String IMAGE =
      "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;
  private final HttpClient client = HttpClient.newHttpClient();
  private OnnxModelHost host;
  private InferenceServer server;

  @BeforeEach
  void start() throws IOException {
    host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime);
    server = InferenceServer.start(RestSettings.LOOPBACK, host, "1.2.3");
  }

  @AfterEach
  void stop() {
    server.close();
    host.close();
  }

  private LoadedSlot activate() {
    LoadedSlot slot =
        Slots.slot(directory, TinyModels.linear(new float[] {1, -1, 0}, new float[3]), 3);
    host.activate(slot);
    return slot;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return send(request(path));
  }

  private HttpResponse<String> post(String body) throws Exception {
    return send(request(INFER).POST(BodyPublishers.ofString(body)));
  }

  private static JsonNode json(HttpResponse<String> response) throws IOException {
    return JSON.readTree(response.body());
  }

  private static String error(HttpResponse<String> response) throws IOException {
    String error = json(response).get("error").textValue();
    assertThat(error).doesNotContain("\n").doesNotContain("Exception").doesNotContain("io.still");
    return error;
  }

  @Test
  void lives_without_a_model_and_is_not_ready() throws Exception {
    assertThat(get("/v2/health/live").statusCode()).isEqualTo(200);
    assertThat(get("/v2/health/ready").statusCode()).isEqualTo(503);
    assertThat(get("/v2/models/inspect").statusCode()).isEqualTo(503);
    HttpResponse<String> response = post(IMAGE);
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(error(response)).isEqualTo("no model is live on this device");
    assertThat(json(get("/v2")).get("version").textValue()).isEqualTo("1.2.3");
  }

  @Test
  void describes_the_live_model() throws Exception {
    LoadedSlot slot = activate();
    assertThat(get("/v2/health/ready").statusCode()).isEqualTo(200);
    for (String path : new String[] {"/v2/models/inspect", "/v2/models/inspect/versions/3"}) {
      assertThat(get(path + "/ready").statusCode()).isEqualTo(200);
      JsonNode model = json(get(path));
      assertThat(model.get("name").textValue()).isEqualTo("inspect");
      assertThat(model.get("versions").toString()).isEqualTo("[\"3\"]");
      assertThat(model.get("inputs").get(0).toString())
          .isEqualTo("{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[-1,1,2,2]}");
      assertThat(model.get("outputs").get(0).get("shape").toString()).isEqualTo("[-1,3]");
      assertThat(model.get("parameters").get("digest").textValue()).isEqualTo(slot.digest());
    }
  }

  @Test
  void infers_in_any_order_of_fields_and_any_nesting() throws Exception {
    activate();
    for (String body :
        new String[] {
          IMAGE,
          "{\"extra\":{\"a\":[1,{}]},\"inputs\":[{\"data\":[[[[1,1],[1,1]]]],\"datatype\":\"FP32\","
              + "\"shape\":[1,1,2,2],\"name\":\"input\"}]}",
          IMAGE.replace("[1,1,2,2]", "[1,2,2]")
        }) {
      HttpResponse<String> response = post(body);
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      JsonNode answer = json(response);
      assertThat(answer.get("model_name").textValue()).isEqualTo("inspect");
      assertThat(answer.get("model_version").textValue()).isEqualTo("3");
      JsonNode logits = answer.get("outputs").get(0);
      assertThat(logits.toString())
          .isEqualTo(
              "{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[1,3],\"data\":[4.0,-4.0,0.0]}");
      assertThat(answer.get("outputs").get(1).get("data").toString()).isEqualTo("[\"bad\"]");
    }
  }

  @Test
  void raw_pixels_are_preprocessed_as_the_manifest_says() throws Exception {
    activate();
    // mean 0.5, std 0.5: white is 1, black is -1.
    JsonNode answer =
        json(
            post(
                "{\"id\":\"mine\",\"inputs\":[{\"name\":\"input\",\"shape\":[2,1,2,2],\"datatype\":\"UINT8\","
                    + "\"data\":[255,255,255,255,0,0,0,0]}],\"outputs\":[{\"name\":\"logits\"}]}"));
    assertThat(answer.get("id").textValue()).isEqualTo("mine");
    assertThat(answer.get("outputs")).hasSize(1);
    assertThat(answer.get("outputs").get(0).get("data").toString())
        .isEqualTo("[4.0,-4.0,0.0,-4.0,4.0,0.0]");
  }

  @Test
  void expected_labels_are_counted_as_feedback() throws Exception {
    activate();
    String one = IMAGE.replaceFirst("\\{", "{\"parameters\":{\"expected_label\":0},");
    assertThat(post(one).statusCode()).isEqualTo(200);
    String two =
        "{\"parameters\":{\"other\":[1],\"expected_label\":[1,1]},\"inputs\":[{\"name\":\"input\","
            + "\"shape\":[2,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1,-1,-1,-1,-1]}]}";
    assertThat(post(two).statusCode()).isEqualTo(200);
    assertThat(host.stats().feedback()).isEqualTo(new LiveStats.Feedback(3, 2));
    assertThat(host.stats().counts().inferences()).isEqualTo(3);
  }

  @Test
  void binary_tensors_follow_the_json() throws Exception {
    activate();
    byte[] header =
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":16}}]}"
            .getBytes(UTF_8);
    ByteBuffer body = ByteBuffer.allocate(header.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    body.put(header).putFloat(1).putFloat(1).putFloat(1).putFloat(0);
    HttpResponse<String> response =
        send(
            request(INFER)
                .header("Inference-Header-Content-Length", Integer.toString(header.length))
                .POST(BodyPublishers.ofByteArray(body.array())));
    assertThat(json(response).get("outputs").get(0).get("data").toString())
        .isEqualTo("[3.0,-3.0,0.0]");
    for (String length :
        new String[] {"0", "-1", "x", "99999999", Integer.toString(header.length + 3)}) {
      HttpResponse<String> refused =
          send(
              request(INFER)
                  .header("Inference-Header-Content-Length", length)
                  .POST(BodyPublishers.ofByteArray(body.array())));
      assertThat(refused.statusCode()).as(length).isEqualTo(400);
      error(refused);
    }
    HttpResponse<String> cut =
        send(
            request(INFER)
                .header("Inference-Header-Content-Length", Integer.toString(header.length))
                .POST(BodyPublishers.ofByteArray(body.array(), 0, header.length + 5)));
    assertThat(cut.statusCode()).isEqualTo(400);
    error(cut);
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /, 404",
    "GET, /v1, 404",
    "GET, /v2/health, 404",
    "GET, /v2/models, 404",
    "GET, /v2/models/other, 404",
    "GET, /v2/models/inspect/versions/9, 404",
    "GET, /v2/models/inspect/versions, 404",
    "GET, /v2/models/inspect/load, 404",
    "GET, /v2/models/inspect/infer/more, 404",
    "GET, /v2/models/inspect/infer, 405",
    "DELETE, /v2/models/inspect, 405",
    "POST, /v2/health/live, 405",
    "GET, /v2/models/%2e%2e%2f%00, 404"
  })
  void other_paths_and_methods_are_refused(String method, String path, int status)
      throws Exception {
    activate();
    HttpResponse<String> response = send(request(path).method(method, BodyPublishers.ofString("")));
    assertThat(response.statusCode()).isEqualTo(status);
    error(response);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{} {}",
        "not json",
        "{\"inputs\":[]}",
        "{\"inputs\":{}}",
        "{\"inputs\":[1]}",
        "{\"inputs\":[{}]}",
        "{\"inputs\":[{},{}]}",
        "{\"inputs\":[],\"inputs\":[]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,NaN]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1e99]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,\"1\"]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,null]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":\"AAAA\"}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP16\",\"data\":[1,1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"UINT8\",\"data\":[1,1,1,256]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"UINT8\",\"data\":[1,1,1,-1]}]}",
        "{\"inputs\":[{\"name\":\"other\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[4],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[0,1,2,2],\"datatype\":\"FP32\",\"data\":[]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[-1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[33,1,2,2],\"datatype\":\"FP32\",\"data\":[]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[99999999999,1,2,2],\"datatype\":\"FP32\",\"data\":[]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[[[[[[1]]]]]]}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":16}}]}",
        "{\"parameters\":{\"expected_label\":3},\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"parameters\":{\"expected_label\":-1},\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"parameters\":{\"expected_label\":\"good\"},\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"parameters\":{\"expected_label\":[1,1]},\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}",
        "{\"outputs\":[{\"name\":\"secrets\"}],\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,2],\"datatype\":\"FP32\",\"data\":[1,1,1,1]}]}"
      })
  void a_bad_request_gets_one_line_and_never_reaches_the_model(String body) throws Exception {
    activate();
    HttpResponse<String> response = post(body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(error(response)).isNotEmpty();
    assertThat(host.stats().counts().inferences()).isZero();
  }

  @Test
  void depth_size_and_odd_bytes_are_bounded() throws Exception {
    activate();
    assertThat(post("{\"a\":" + "[".repeat(100_000)).statusCode()).isEqualTo(400);
    assertThat(post("{\"" + "k".repeat(100_000) + "\":1}").statusCode()).isEqualTo(400);
    assertThat(post(IMAGE.replace("[1,1,1,1]", "[" + "1,".repeat(100_000) + "1]")).statusCode())
        .isEqualTo(400);
    assertThat(post("{\"id\":" + "9".repeat(10_000) + "}").statusCode()).isEqualTo(400);
    byte[] noUtf8 = {'{', '"', (byte) 0xff, (byte) 0xfe, '"', ':', '1', '}'};
    HttpResponse<String> odd = send(request(INFER).POST(BodyPublishers.ofByteArray(noUtf8)));
    assertThat(odd.statusCode()).isEqualTo(400);
    error(odd);
    assertThat(post(IMAGE).statusCode()).isEqualTo(200);
  }

  @Test
  void a_body_beyond_the_bound_is_refused() throws Exception {
    activate();
    String padding = "{\"a\":[" + "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",".repeat(450_000);
    try {
      assertThat(post(padding).statusCode()).isEqualTo(413);
    } catch (IOException e) {
      // The server may close before the client has sent it all: refused all the same.
      assertThat(e).isNotNull();
    }
    assertThat(post(IMAGE).statusCode()).isEqualTo(200);
  }

  @Test
  void web_pages_are_refused() throws Exception {
    activate();
    HttpResponse<String> response =
        send(request(INFER).header("Origin", "https://evil").POST(BodyPublishers.ofString(IMAGE)));
    assertThat(response.statusCode()).isEqualTo(403);
    assertThat(host.stats().counts().inferences()).isZero();
  }

  @Test
  void random_bytes_and_mutated_requests_never_break_the_server() throws Exception {
    activate();
    long seed = new Random().nextLong();
    System.out.println("InferenceServerTest seed " + seed);
    Random random = new Random(seed);
    byte[] good =
        ("POST "
                + INFER
                + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
                + IMAGE.length()
                + "\r\n\r\n"
                + IMAGE)
            .getBytes(ISO_8859_1);
    for (int i = 0; i < 150; i++) {
      byte[] bytes = good.clone();
      for (int flips = random.nextInt(6); flips >= 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
        socket.setSoTimeout(200);
        socket.getOutputStream().write(bytes, 0, 1 + random.nextInt(bytes.length));
        socket.shutdownOutput();
        InputStream in = socket.getInputStream();
        assertThat(new String(in.readAllBytes(), ISO_8859_1)).doesNotContain("\tat ");
      } catch (IOException e) {
        // Closed or left waiting for the rest of the request: both are fine.
        assertThat(e).isNotNull();
      }
    }
    assertThat(post(IMAGE).statusCode()).isEqualTo(200);
  }

  @Test
  void outcomes_have_their_status() throws Exception {
    ScriptedHost scripted = new ScriptedHost();
    LoadedSlot slot = Slots.slot(directory, TinyModels.constant(0), 3);
    scripted.activate(slot);
    try (InferenceServer other = InferenceServer.start(RestSettings.LOOPBACK, scripted, "1")) {
      URI uri = URI.create("http://127.0.0.1:" + other.port() + INFER);
      HttpRequest request =
          HttpRequest.newBuilder(uri).POST(BodyPublishers.ofString(IMAGE)).build();
      scripted.outcome = new InferenceOutcome.Busy();
      HttpResponse<String> busy = client.send(request, BodyHandlers.ofString());
      assertThat(busy.statusCode()).isEqualTo(503);
      assertThat(busy.headers().firstValue("Retry-After")).hasValue("1");
      scripted.outcome = new InferenceOutcome.NoModel();
      assertThat(client.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(503);
      scripted.outcome = new InferenceOutcome.Rejected("wrong size");
      assertThat(client.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(400);
      scripted.outcome = new InferenceOutcome.Failed(slot, "the model gave non-finite values");
      HttpResponse<String> failed = client.send(request, BodyHandlers.ofString());
      assertThat(failed.statusCode()).isEqualTo(500);
      assertThat(error(failed)).isEqualTo("the model gave non-finite values");
    }
  }

  @Test
  void pixels_that_were_normalised_for_a_replaced_model_are_neither_run_nor_counted()
      throws Exception {
    activate();
    LoadedSlot next = Slots.slot(directory, TinyModels.constant(1), 4);
    String first = "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,1,2,2],\"datatype\":\"UINT8\",";
    String rest = "\"data\":[255,255,255,255,0,0,0,0]}]}";
    String head =
        "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            .formatted(INFER, first.length() + rest.length());
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.getOutputStream().write((head + first).getBytes(ISO_8859_1));
      // The request has been dispatched, and waits for its pixels, once a thread reads its body.
      awaitReaderOfBody();
      host.activate(next);
      socket.getOutputStream().write(rest.getBytes(ISO_8859_1));
      socket.shutdownOutput();
      String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
      assertThat(answer).startsWith("HTTP/1.1 503").contains("Retry-after: 1");
      assertThat(answer).contains("the model changed under the request; send it again");
    }
    assertThat(host.stats().counts().inferences()).isZero();
    assertThat(post(IMAGE).statusCode()).isEqualTo(200);
  }

  private static void awaitReaderOfBody() {
    while (Thread.getAllStackTraces().values().stream()
        .flatMap(Arrays::stream)
        .noneMatch(frame -> frame.getClassName().endsWith(".BoundedBody"))) {
      LockSupport.parkNanos(1_000_000);
    }
  }
}
