package io.stillhouse.lab.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.stillhouse.lab.evaluate.IntegerFusion;
import io.stillhouse.lab.evaluate.OrtModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProbeModelsTest {
  /** What the agent ships; seen only in a whole checkout. */
  private static final Path SHIPPED =
      Path.of("../../edge-agent/src/main/resources/io/stillhouse/agent/hardware/probes");

  @Test
  void all_probes_run_and_are_small_together(@TempDir Path scratch) throws Exception {
    long total = 0;
    for (Map.Entry<String, byte[]> file : ProbeModels.make().entrySet()) {
      total += file.getValue().length;
      if (file.getKey().endsWith(".onnx")) {
        try (OrtModel model = OrtModel.open(file.getValue())) {
          assertThat(model.run(new float[model.inputElements()])).isNotEmpty();
        }
        if (file.getKey().endsWith("int8.onnx")) {
          assertThat(IntegerFusion.leftovers(file.getValue(), scratch)).as(file.getKey()).isEmpty();
        }
      }
    }
    assertThat(total).isLessThan(600_000);
  }

  @Test
  void the_probes_that_the_agent_ships_are_these() throws Exception {
    assumeTrue(Files.isDirectory(SHIPPED), "the agent's sources are not beside this module");
    for (Map.Entry<String, byte[]> file : ProbeModels.make().entrySet()) {
      assertThat(Files.readAllBytes(SHIPPED.resolve(file.getKey())))
          .as("%s (write them anew with ProbeModels.main)", file.getKey())
          .isEqualTo(file.getValue());
    }
    try (var files = Files.list(SHIPPED)) {
      assertThat(files.count()).isEqualTo(ProbeModels.make().size());
    }
  }
}
