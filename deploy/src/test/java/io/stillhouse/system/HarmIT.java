package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.drive.ImageFeed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class HarmIT {
  @Test
  void a_harmful_version_that_every_device_committed_is_rolled_back_on_every_device() {
    try (World world = Taught.world("harm")) {
      world.startCoordinator();
      List<AgentProcess> agents =
          Taught.AGENTS.stream().map(name -> world.agent(name).start()).toList();
      world.awaitOnline(agents.size());
      String good = world.variant(Taught.CURRENT);
      String harmful = world.variant(Taught.HARMED);
      String rollout =
          world.rollOut(
              Taught.HARMED,
              List.of(100),
              1,
              Map.of("minFeedback", 60, "feedbackDemanded", true, "accuracyDropMax", 0.05));
      world.await(
          "every device has committed the harmful version",
          () -> agents.stream().allMatch(agent -> agent.status("committed").equals(harmful)));

      // Only now does anybody find out how wrong its answers are.
      try (ImageFeed feed =
          new ImageFeed(agents.stream().map(AgentProcess::inference).toList(), Taught.images())) {
        JsonNode ended = world.awaitEnd(rollout);
        feed.requireAccepted();
        assertThat(ended.path("status").asText()).as("%s", ended).isEqualTo("ROLLED_BACK");
        assertThat(ended.path("reasons").toString()).contains("live accuracy");
      }
      for (AgentProcess agent : agents) {
        assertThat(agent.status("running")).isEqualTo(good);
        assertThat(agent.reported().path("running").asText()).isEqualTo(good);
      }
      JsonNode quarantine = world.api().get("/quarantine").path("quarantine");
      assertThat(quarantine).hasSize(1);
      assertThat(quarantine.path(0).path("digest").asText()).isEqualTo(harmful);
    }
  }
}
