package io.stillhouse.server.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.operator.OperatorServer;
import io.stillhouse.server.operator.OperatorServices;
import io.stillhouse.server.operator.OperatorSettings;
import io.stillhouse.server.operator.Probes;
import io.stillhouse.server.remote.ClaimCalls;
import io.stillhouse.server.remote.RemoteWorker;
import io.stillhouse.server.remote.RemoteWorkplace;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.testing.FakeServices;
import io.vertx.core.Vertx;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same requests, done by a lab worker over HTTP that shares no folder with the coordinator. */
class RemoteLabModelsTest extends LabModelsTest {
  private final Vertx vertx = Vertx.vertx();
  private Optional<OperatorServer> server = Optional.empty();
  private Optional<RemoteWorker> worker = Optional.empty();

  @Override
  Workplace workplace() {
    RemoteWorkplace place =
        new RemoteWorkplace(Duration.ofMinutes(10), System::nanoTime, new SecureRandom());
    FakeServices fakes = new FakeServices();
    OperatorServer started =
        OperatorServer.start(
            vertx,
            new OperatorSettings("127.0.0.1", 0, List.of(), ""),
            new OperatorServices(
                fakes.devices,
                fakes.models,
                new OperatorServices.Lab(fakes.jobs, place),
                fakes.rollouts,
                new FleetHealth()),
            new Probes(Map::of, () -> ""));
    server = Optional.of(started);
    RemoteWorker working =
        new RemoteWorker(
            new ClaimCalls(URI.create("http://127.0.0.1:" + started.port()), ""),
            super.workplace(),
            new RemoteWorker.Settings(
                "elsewhere", directory.resolve("elsewhere"), 1, Duration.ofMillis(50)),
            System::nanoTime,
            line -> {});
    worker = Optional.of(working);
    Thread thread = new Thread(() -> work(working), "elsewhere");
    thread.setDaemon(true);
    thread.start();
    return place;
  }

  private static void work(RemoteWorker worker) {
    try {
      worker.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @AfterEach
  void closeServer() throws Exception {
    worker.ifPresent(RemoteWorker::stop);
    server.ifPresent(OperatorServer::close);
    vertx.close().toCompletionStage().toCompletableFuture().get();
  }

  @Test
  void a_further_tailoring_finds_what_the_earlier_one_left() throws Exception {
    enrol("small", 1);
    succeeded(models.train(train("inspect", "builtin:fashion-mnist-12k")).jobId());
    succeeded(models.tailor("inspect", 1, tailorAll()).jobId());
    Path tailored = directory.resolve("models/inspect/1/tailored");
    Files.writeString(tailored.resolve("shared-work"), "of the first");
    enrol("large", 4);
    succeeded(models.tailor("inspect", 1, tailorAll()).jobId());
    assertThat(tailored.resolve("shared-work")).hasContent("of the first");
    assertThat(tailored.resolve("students/k1")).isDirectory();
    assertThat(tailored.resolve("students/k4")).isDirectory();
    assertThat(tailored.resolveSibling("tailored.former")).doesNotExist();
  }
}
