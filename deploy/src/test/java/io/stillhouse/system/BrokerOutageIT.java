package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.drive.ImageFeed;
import io.stillhouse.drive.Programs;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class BrokerOutageIT {
  private static final Duration OUTAGE = Duration.ofSeconds(30);

  @Test
  void a_broker_that_is_away_for_thirty_seconds_costs_no_record() throws Exception {
    int port = freePort();
    int controllerPort = freePort();
    try (World world = Taught.world("broker-outage").withBroker("127.0.0.1:" + port)) {
      Path log = world.root().resolve("broker");
      List<String> command = BrokerProcess.command(log, port, controllerPort);
      Programs.Running broker = world.programs().start("broker", command);
      awaitBroker(world, port);
      world.startCoordinator();
      // What they had sent before went to another broker, and would count as lost here.
      List<AgentProcess> agents =
          Taught.AGENTS.stream().map(name -> world.agent(name).withFreshSpool().start()).toList();
      world.awaitOnline(agents.size());
      try (ImageFeed feed =
          new ImageFeed(agents.stream().map(AgentProcess::inference).toList(), Taught.images())) {
        world.await("telemetry flows", () -> world.received() > 10);

        world.programs().kill(broker);
        long away = System.nanoTime();
        long before = feed.sent();
        world.await("the outage is over", () -> System.nanoTime() - away > OUTAGE.toNanos());
        assertThat(feed.sent()).as("images classified meanwhile").isGreaterThan(before + 300);
        world.programs().start("broker", command);

        world.await("telemetry flows again", () -> world.received() > 3 * 2 * OUTAGE.toSeconds());
        feed.requireAccepted();
        feed.pause();
        world.await("every image is accounted for", () -> world.inferences() == feed.sent());
      }
      JsonNode telemetry = world.api().get("/telemetry");
      assertThat(telemetry.path("lost").asLong()).as("%s", telemetry).isZero();
      assertThat(telemetry.path("dropped").asLong()).as("%s", telemetry).isZero();
    }
  }

  private static void awaitBroker(World world, int port) {
    world.await(
        "the broker listens",
        () -> {
          try (java.net.Socket socket =
              new java.net.Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
          } catch (IOException e) {
            return false;
          }
        });
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
