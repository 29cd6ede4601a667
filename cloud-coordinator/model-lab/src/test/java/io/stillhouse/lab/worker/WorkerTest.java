package io.stillhouse.lab.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.lab.testing.PhotoFolder;
import io.stillhouse.lab.worker.Worker.Ending;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerTest {
  private static final String TARGET =
      """
      {"hardwareClass":"x86_64-avx2-t1","accuracyDropMax":0.02,"profile":{
        "board":{"model":"b","arch":"X86_64","isaFeatures":["avx2"],"cores":2,
          "capacity":{"memoryBytes":1,"storageFreeBytes":1,"accelerators":[]}},
        "limits":{"inferenceThreads":1,"memoryBytesMax":0,"fileBytesMax":0,
          "latencyP99Max":"PT0.02S","simulated":true},
        "probes":[{"kernel":"conv3x3","precision":"INT8","macs":9,"outputBytes":9,"p50Micros":1.5}],
        "runtimeVersion":"1.0","later":1}}
      """;

  @TempDir private Path folder;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  @BeforeEach
  void photos() throws IOException {
    PhotoFolder.write(folder.resolve("photos"), 3, 20, 4);
  }

  private Worker worker(String order) throws IOException {
    Files.writeString(folder.resolve("job.json"), order.replace("@", folder + "/"));
    said.reset();
    return new Worker(
        folder,
        new PrintStream(said, true, StandardCharsets.UTF_8),
        System::nanoTime,
        new GracefulStop(Duration.ZERO));
  }

  private static String train(String network) {
    return """
        {"kind":"train","threads":1,"data":"images:@photos","network":"%s","width":0.25,
         "epochs":3,"seed":4,"out":"@teacher"}
        """
        .formatted(network);
  }

  private static String tailor(String target) {
    return """
        {"kind":"tailor","threads":1,"data":"images:@photos","teacher":"@teacher",
         "epochs":0,"seed":4,"targets":[%s],"out":"@tailored"}
        """
        .formatted(target);
  }

  private List<JsonNode> events() throws IOException {
    List<JsonNode> events = new ArrayList<>();
    for (String line : said.toString(StandardCharsets.UTF_8).lines().toList()) {
      events.add(new ObjectMapper().readTree(line));
    }
    return events;
  }

  private JsonNode last() throws IOException {
    List<JsonNode> events = events();
    return events.get(events.size() - 1);
  }

  @Test
  void a_training_is_told_as_events_and_ends_with_its_report() throws IOException {
    assertThat(worker(train("resnet8")).run()).isEqualTo(Ending.DONE);
    assertThat(events().stream().map(e -> e.path("event").asText()).distinct())
        .containsExactly("progress", "done");
    assertThat(
            events().stream()
                .filter(e -> e.has("fraction"))
                .map(e -> e.path("fraction").asDouble()))
        .isSorted()
        .endsWith(1.0);
    JsonNode report = last().path("result").path("report");
    assertThat(report.path("network").asText()).isEqualTo("resnet8");
    assertThat(report.path("accuracy").asDouble()).isBetween(0.2, 1.0);
    assertThat(report.path("params").asLong()).isPositive();
    assertThat(report.path("epochs").asInt()).isEqualTo(3);
    assertThat(folder.resolve("teacher").resolve("model.onnx")).exists();
  }

  @Test
  void a_worker_whose_parent_is_gone_stops_and_the_next_one_does_the_job() throws IOException {
    Worker orphan = worker(train("resnet8"));
    orphan.stopAtEndOf(InputStream.nullInputStream());
    assertThat(orphan.run()).isEqualTo(Ending.STOPPED);
    assertThat(last().path("event").asText()).isEqualTo("progress");
    assertThat(folder.resolve("teacher")).doesNotExist();
    assertThat(worker(train("resnet8")).run()).isEqualTo(Ending.DONE);
  }

  @Test
  void an_order_that_cannot_be_done_is_refused_in_parts() throws IOException {
    assertThat(worker(train("nonet")).run()).isEqualTo(Ending.REFUSED);
    JsonNode error = last();
    assertThat(error.path("event").asText()).isEqualTo("error");
    assertThat(error.path("why").asText()).contains("nonet is not known");
    assertThat(error.path("what").asText()).isNotEmpty();
    assertThat(error.path("fix").asText()).isNotEmpty();
    assertThat(worker("{\"kind\":\"paint\"}").run()).isEqualTo(Ending.REFUSED);
    assertThat(last().path("why").asText()).contains("paint");
  }

  @Test
  void profiles_are_read_as_the_coordinator_writes_them_and_unsound_ones_refused()
      throws IOException {
    // The profile is sound, so that it is the missing teacher that ends the job.
    assertThat(worker(tailor(TARGET)).run()).isEqualTo(Ending.REFUSED);
    assertThat(last().path("why").asText()).contains("no model.json");
    assertThat(worker(tailor(TARGET.replace("X86_64", "Z80"))).run()).isEqualTo(Ending.REFUSED);
    assertThat(last().path("why").asText()).contains("Z80");
  }
}
