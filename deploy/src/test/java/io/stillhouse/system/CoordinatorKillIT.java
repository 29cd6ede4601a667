package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class CoordinatorKillIT {
  @Test
  void a_coordinator_killed_in_the_middle_of_a_rollout_completes_it_when_started_again() {
    try (World world = Taught.world("coordinator-kill")) {
      world.startCoordinator();
      List<AgentProcess> agents =
          Taught.AGENTS.stream().map(name -> world.agent(name).start()).toList();
      world.awaitOnline(agents.size());
      String rollout = world.rollOut(Taught.NEXT, List.of(34, 100), 2);
      world.await(
          "the canary is on trial while others wait",
          () -> agents.stream().anyMatch(agent -> agent.status("phase").equals("PROBATION")));

      world.killCoordinator();
      assertThat(agents).allMatch(agent -> World.answers(agent.inference(), Taught.images()));
      world.startCoordinator();

      JsonNode ended = world.awaitEnd(rollout);
      assertThat(ended.path("status").asText()).as("%s", ended).isEqualTo("SUCCEEDED");
      String digest = world.variant(Taught.NEXT);
      for (AgentProcess agent : agents) {
        assertThat(agent.reported().path("committed").asText()).isEqualTo(digest);
        assertThat(World.answers(agent.inference(), Taught.images())).isTrue();
      }
    }
  }
}
