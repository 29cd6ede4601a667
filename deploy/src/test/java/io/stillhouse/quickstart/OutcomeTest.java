package io.stillhouse.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the quickstart writes, and which of its promises are found broken. */
class OutcomeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BOARDS = 3;

  @TempDir Path folder = Path.of("");

  @Test
  void the_document_has_the_promised_fields_and_no_others() throws Exception {
    Outcome outcome = outcome(Map.of("edge-small", 0.88));
    Path file = folder.resolve("out.json");
    outcome.write(file, outcome.toJson(233.04, 7));

    JsonNode document = JSON.readTree(file.toFile());
    assertThat(fields(document))
        .containsExactly(
            "teacher",
            "variants",
            "devices",
            "rollouts",
            "telemetry",
            "durationSeconds",
            "peakResidentBytes");
    assertThat(fields(document.path("teacher")))
        .containsExactly("network", "accuracy", "params", "fileBytes");
    assertThat(document.path("variants"))
        .hasSize(BOARDS)
        .allSatisfy(
            variant ->
                assertThat(fields(variant))
                    .containsExactly(
                        "hardwareClass",
                        "digest",
                        "network",
                        "precision",
                        "accuracy",
                        "fileBytes",
                        "latencyP50Micros"));
    assertThat(document.path("devices"))
        .hasSize(BOARDS)
        .allSatisfy(
            device ->
                assertThat(fields(device))
                    .containsExactly("id", "hardwareClass", "runningDigest", "state", "accuracy"));
    assertThat(document.path("rollouts"))
        .hasSize(2)
        .allSatisfy(
            rollout ->
                assertThat(fields(rollout)).containsExactly("id", "model", "state", "reason"));
    assertThat(fields(document.path("telemetry"))).containsExactly("sent", "received", "lost");
    assertThat(document.path("durationSeconds").asDouble()).isEqualTo(233.0);
    assertThat(document.path("devices").path(0).path("accuracy").asDouble()).isEqualTo(0.88);
    assertThat(document.path("devices").path(1).path("accuracy").isNull())
        .as("what was not measured is null, not a text")
        .isTrue();
    assertThat(folder.resolve("out.json.partial")).doesNotExist();
  }

  @Test
  void a_story_as_promised_breaks_nothing() {
    assertThat(Promises.broken(good(), BOARDS)).isEmpty();
  }

  /** Bounds themselves are within the bounds, whatever doubles make of a difference. */
  @Test
  void the_bounds_belong_to_what_is_promised() {
    ObjectNode story = good();
    set(story, "/teacher/accuracy", "0.89");
    set(story, "/variants/0/accuracy", "0.86");
    set(story, "/devices/0/accuracy", "0.86");
    set(story, "/durationSeconds", "360");
    set(story, "/peakResidentBytes", "4294967296");
    assertThat(Promises.broken(story, BOARDS)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          /teacher/accuracy         | 0.8895        | the teacher's accuracy: 88.95 % (promised: at least 89.00 %)
          /teacher/accuracy         | null          | the teacher's accuracy: unknown
          /variants/1/accuracy      | 0.8595        | the student of class-middle: accuracy 85.95 % (promised: within 3.00 % of the teacher's 89.50 %)
          /variants/1/accuracy      | null          | the student of class-middle: accuracy unknown
          /variants/1/fileBytes     | 1000          | students that differ in size or precision: 2 (promised: 3
          /devices/2/accuracy       | 0.5           | the student of edge-large: accuracy 50.00 %
          /devices/2/runningDigest  | "harmed"      | edge-large does not run a student of version 1
          /rollouts/0/state         | "PAUSED"      | rollout ro-1 ended PAUSED (promised: SUCCEEDED): too little evidence
          /rollouts/1/state         | "SUCCEEDED"   | rollout ro-2 ended SUCCEEDED (promised: ROLLED_BACK)
          /rollouts/1/reason        | "a deadline"  | the harmed rollout ended for another reason than its accuracy: a deadline
          /telemetry/lost           | 1             | telemetry lost: 1 (promised: 0)
          /telemetry/lost           | null          | telemetry lost: unknown (promised: 0)
          /durationSeconds          | 360.1         | the story took 360.1 s (promised: at most 360)
          /peakResidentBytes        | 4294967297    | resident memory over all processes: 4096.0 MiB (promised: at most 4096.0 MiB)
          """)
  void each_broken_promise_is_one_line(String field, String value, String line) {
    ObjectNode story = good();
    set(story, field, value);
    List<String> broken = Promises.broken(story, BOARDS);
    assertThat(broken).isNotEmpty().allSatisfy(l -> assertThat(l).doesNotContain("\n"));
    assertThat(broken).anySatisfy(l -> assertThat(l).startsWith(line));
  }

  @Test
  void a_story_that_stopped_early_broke_its_promises() {
    assertThat(Promises.broken(new Outcome().toJson(1, 0), BOARDS))
        .anySatisfy(l -> assertThat(l).startsWith("rollouts: 0 (promised: 2)"))
        .anySatisfy(l -> assertThat(l).startsWith("devices: 0 (promised: 3)"))
        .anySatisfy(l -> assertThat(l).startsWith("students that differ"));
  }

  @Test
  void the_published_run_keeps_every_promise() throws Exception {
    Path published = Path.of("..", "docs", "evidence", "quickstart.json");
    assertThat(Promises.broken(JSON.readTree(Files.readAllBytes(published)), BOARDS)).isEmpty();
  }

  private static ObjectNode good() {
    return outcome(Map.of("edge-small", 0.87, "edge-middle", 0.88, "edge-large", 0.89))
        .toJson(233, 2L << 30);
  }

  private static Outcome outcome(Map<String, Double> accuracyByDevice) {
    Outcome outcome = new Outcome();
    outcome.teacher(
        json("{'network':'resnet8','accuracy':0.895,'params':7,'fileBytes':9,'macs':1}"));
    outcome.variants(
        json(
            """
            [{'hardwareClass':'class-small','digest':'a','network':'n','precision':'INT8',
              'accuracy':0.87,'fileBytes':1000,'latencyP50Micros':50,'evaluation':{}},
             {'hardwareClass':'class-middle','digest':'b','network':'n','precision':'INT8',
              'accuracy':0.88,'fileBytes':2000,'latencyP50Micros':60,'evaluation':{}},
             {'hardwareClass':'class-large','digest':'c','network':'n','precision':'FP32',
              'accuracy':0.89,'fileBytes':2000,'latencyP50Micros':70,'evaluation':{}}]
            """));
    outcome.rollout(
        json("{'id':'ro-1','model':'inspect','state':'SUCCEEDED','reason':'too little evidence'}"));
    outcome.rollout(
        json("{'id':'ro-2','model':'inspect','state':'ROLLED_BACK','reason':'live accuracy 0 %'}"));
    outcome.devices(
        json(
            """
            [{'id':'edge-small','hardwareClass':'class-small','runningDigest':'a','state':'runs'},
             {'id':'edge-middle','hardwareClass':'class-middle','runningDigest':'b','state':'runs'},
             {'id':'edge-large','hardwareClass':'class-large','runningDigest':'c','state':'runs'}]
            """),
        accuracyByDevice);
    outcome.telemetry(json("{'sent':125,'received':125,'lost':0,'dropped':0}"));
    return outcome;
  }

  private static void set(ObjectNode story, String field, String value) {
    int end = field.lastIndexOf('/');
    ObjectNode owner = (ObjectNode) story.at(field.substring(0, end));
    owner.set(field.substring(end + 1), json(value));
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  private static List<String> fields(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
