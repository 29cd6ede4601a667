package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.drive.TestImages;
import io.stillhouse.lab.data.DataSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Three agents of one class that run version 1 of a model whose version 2 is tailored and whose
 * version 3 is version 1 harmed on purpose. Made once for all tests, by the product itself; each
 * test continues from a copy.
 */
final class Taught {
  static final List<String> AGENTS = List.of("edge-a", "edge-b", "edge-c");
  static final int CURRENT = 1;
  static final int NEXT = 2;
  static final int HARMED = 3;

  private static final Path SNAPSHOT = teach();

  private Taught() {}

  /** A copy, with nothing running. */
  static World world(String name) {
    return World.continuing(SNAPSHOT, name);
  }

  static TestImages images() {
    return new TestImages(data(SNAPSHOT).load().test());
  }

  private static DataSpec data(Path root) {
    return DataSpec.parse("images:" + root.resolve("pictures"));
  }

  private static Path teach() {
    try (World world = World.empty("taught")) {
      Checkout.drawPictures(world.root().resolve("pictures"));
      world.startCoordinator();
      List<AgentProcess> agents =
          AGENTS.stream().map(name -> world.agent(name).enrol().start()).toList();
      world.awaitOnline(agents.size());
      for (int version : List.of(CURRENT, NEXT)) {
        world.awaitJob(
            world
                .api()
                .post(
                    "/models",
                    Map.of(
                        "name",
                        World.MODEL,
                        "data",
                        data(world.root()).toString(),
                        "network",
                        "resnet8",
                        "epochs",
                        4,
                        "seed",
                        version)));
        world.awaitJob(
            world
                .api()
                .post(
                    "/models/" + World.MODEL + "/versions/" + version + "/tailor",
                    Map.of("accuracyDropMax", 0.2)));
      }
      world.awaitJob(
          world.api().post("/models/" + World.MODEL + "/versions/1/rehearse-harm", Map.of()));
      assertThat(world.awaitEnd(world.rollOut(CURRENT, List.of(100), 1)).path("status").asText())
          .isEqualTo("SUCCEEDED");
      agents.forEach(AgentProcess::stop);
      world.stopCoordinator();
      return world.root();
    }
  }
}
