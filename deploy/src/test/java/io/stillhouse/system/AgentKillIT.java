package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Each agent of a rollout is killed in another phase of its update, and all of them complete it.
 */
@Timeout(600)
class AgentKillIT {
  @Test
  void agents_killed_in_download_self_test_and_probation_come_back_and_complete_the_rollout() {
    HeldDownload first = new HeldDownload();
    HeldDownload second = new HeldDownload();
    HeldDownload third = new HeldDownload();
    try (World world = Taught.world("agent-kill")) {
      world.startCoordinator();
      AgentProcess inDownload = world.agent("edge-a");
      AgentProcess inSelfTest = world.agent("edge-b");
      AgentProcess inProbation = world.agent("edge-c");
      List<AgentProcess> agents = List.of(inDownload, inSelfTest, inProbation);
      try (DeviceTap a = DeviceTap.before(world, inDownload, first);
          DeviceTap b = DeviceTap.before(world, inSelfTest, second);
          DeviceTap c = DeviceTap.before(world, inProbation, third)) {
        assertThat(List.of(a, b, c)).doesNotContainNull();
        agents.forEach(AgentProcess::start);
        world.awaitOnline(agents.size());
        String current = world.variant(Taught.CURRENT);
        String next = world.variant(Taught.NEXT);
        String rollout = world.rollOut(Taught.NEXT, List.of(100), 3);

        world.await("the first is in its download", first::asked);
        killIn(world, inDownload, "DOWNLOADING");
        assertThat(inDownload.status("running")).isEqualTo(current);
        first.release();

        second.release();
        List<ProcessHandle> trial =
            world.awaitValue(
                "the second's trial runs in its child",
                () ->
                    java.util.Optional.of(inSelfTest.children())
                        .filter(children -> !children.isEmpty()));
        killIn(world, inSelfTest, "SELF_TEST");
        world.await(
            "the child has gone with its parent",
            () -> trial.stream().noneMatch(ProcessHandle::isAlive));

        third.release();
        world.await(
            "the third is on probation", () -> inProbation.status("phase").equals("PROBATION"));
        killIn(world, inProbation, "PROBATION");

        JsonNode ended = world.awaitEnd(rollout);
        assertThat(ended.path("status").asText()).as("%s", ended).isEqualTo("SUCCEEDED");
        for (AgentProcess agent : agents) {
          assertThat(agent.reported().path("committed").asText()).isEqualTo(next);
          assertThat(agent.status("running")).isEqualTo(next);
          assertThat(World.answers(agent.inference(), Taught.images())).isTrue();
        }
      } finally {
        first.release();
        second.release();
        third.release();
      }
    }
  }

  /** Kills an agent that is in this phase, and starts it again: it answers at once. */
  private static void killIn(World world, AgentProcess agent, String phase) {
    agent.kill();
    assertThat(agent.status("phase")).isEqualTo(phase);
    agent.start();
    world.await(
        agent.name() + " answers again", () -> World.answers(agent.inference(), Taught.images()));
  }
}
