package io.stillhouse.server.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.service.LabClaims;
import io.stillhouse.server.testing.Eventually;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerRoutesTest {
  private static final long BEAT_MILLIS = 5;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final Vertx vertx = Vertx.vertx();
  private final AtomicInteger beats = new AtomicInteger();
  private final AtomicReference<String> delivered = new AtomicReference<>("");

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  @Test
  void a_slow_result_is_as_good_as_a_word_of_its_worker() throws Exception {
    Router router = Router.router(vertx);
    new WorkerRoutes(vertx, vertx.createSharedWorkerExecutor("t"), new Claims(), BEAT_MILLIS)
        .addFiles(router);
    HttpServer server =
        vertx
            .createHttpServer()
            .requestHandler(router)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.actualPort())) {
      socket.setSoTimeout(20_000);
      write(
          socket,
          "PUT /lab/v1/claims/c1/result HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n"
              + "Connection: close\r\n\r\nabc");
      Eventually.holds("it counts as heard of", () -> beats.get() >= 3);
      assertThat(delivered.get()).isEmpty();
      write(socket, "def");
      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 200");
    }
    assertThat(delivered.get()).isEqualTo("abcdef");
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().flush();
  }

  /** One claim, c1. */
  private final class Claims implements LabClaims {
    @Override
    public Heard progress(String claim, ProgressRequest progress) {
      assertThat(progress.step()).isEmpty();
      beats.incrementAndGet();
      return new Heard(claim);
    }

    @Override
    public Path receiving(String claim) {
      try {
        return Files.createTempFile(directory, claim, ".zip");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void deliver(String claim, Path packed) {
      try {
        delivered.set(Files.readString(packed));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public ClaimAnswer claim(ClaimRequest request) {
      return new ClaimAnswer(Optional.empty());
    }

    @Override
    public Path inputs(String claim) {
      throw new UnsupportedOperationException(claim);
    }

    @Override
    public Heard end(String claim, EndRequest ending) {
      return new Heard(claim);
    }
  }
}
