package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.drive.ImageFeed;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class TelemetryTlsIT {
  @Test
  void every_image_is_accounted_for_over_tls_and_across_a_kill_of_the_coordinator()
      throws Exception {
    try (World world = Taught.world("telemetry-tls").withTelemetryTls()) {
      world.startCoordinator();
      List<AgentProcess> agents =
          Taught.AGENTS.stream().map(name -> world.agent(name).start()).toList();
      world.awaitOnline(agents.size());
      long received = world.received();
      long inferences = world.inferences();
      try (ImageFeed feed =
          new ImageFeed(agents.stream().map(AgentProcess::inference).toList(), Taught.images())) {
        world.await("telemetry flows", () -> world.received() > received + 4);
        // It comes back with another certificate of the same authority.
        world.killCoordinator();
        world.startCoordinator();
        world.awaitOnline(agents.size());
        long before = world.received();
        world.await("telemetry flows again", () -> world.received() > before + 4);
        feed.requireAccepted();
        feed.pause();
        world.await(
            "every image is accounted for", () -> world.inferences() == inferences + feed.sent());
      }
      JsonNode telemetry = world.api().get("/telemetry");
      assertThat(telemetry.path("lost").asLong()).as("%s", telemetry).isZero();
    }
  }
}
