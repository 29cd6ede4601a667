package io.stillhouse.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.server.operator.OperatorServer;
import io.stillhouse.server.operator.OperatorServices;
import io.stillhouse.server.operator.OperatorSettings;
import io.stillhouse.server.operator.Probes;
import io.stillhouse.server.remote.LocalLab;
import io.stillhouse.server.service.RolloutService.GateRequest;
import io.stillhouse.server.telemetry.FleetHealth;
import io.stillhouse.server.testing.FakeServices;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Commands run in this process, against a real HTTP server before services in memory. */
@Timeout(60)
class CliTest {
  private static final String TOKEN = "0123456789abcdef";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private final Vertx vertx = Vertx.vertx();
  private final FakeServices fakes = new FakeServices();
  private final Map<String, String> environment = new HashMap<>();
  private boolean terminal;

  @SuppressWarnings("NullAway.Init")
  private OperatorServer server;

  @BeforeEach
  void open() {
    server =
        OperatorServer.start(
            vertx,
            new OperatorSettings("127.0.0.1", 0, List.of(), TOKEN),
            new OperatorServices(
                fakes.devices,
                fakes.models,
                new OperatorServices.Lab(fakes.jobs, new LocalLab()),
                fakes.rollouts,
                new FleetHealth()),
            new Probes(Map::of, () -> ""));
    environment.put("STILLHOUSE_COORDINATOR", "http://127.0.0.1:" + server.port());
    environment.put("STILLHOUSE_TOKEN", TOKEN);
  }

  @AfterEach
  void close() throws Exception {
    server.close();
    vertx.close().toCompletionStage().toCompletableFuture().get();
  }

  /** What a command did. */
  private record Ran(int code, String out, String err) {}

  private Ran run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Surroundings around =
        new Surroundings(
            new PrintWriter(out),
            new PrintWriter(err),
            terminal,
            environment,
            Duration.ofMillis(1));
    int code =
        Cli.finish(Cli.commands(around, System::nanoTime, new GracefulStop(Duration.ZERO)), around)
            .execute(arguments);
    around.out().flush();
    around.err().flush();
    return new Ran(code, out.toString(), err.toString());
  }

  private Ran line(String line) {
    return run(line.strip().split(" +"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "network list",
        "network cost resnet20",
        "network cost mobilenet_v2 --input 3x32x32 --stem imagenet",
        "device token --name press-7 --label hall=2",
        "device list",
        "device show press-7",
        "device label press-7 hall=3 line=1",
        "device revoke press-7",
        "model train --name inspect --data builtin:fashion-mnist-12k",
        "model list",
        "model show inspect",
        "model tailor inspect@1 --accuracy-drop-max 0.03 --class x86_64-avx2-t1",
        "model tailor inspect@1 --no-wait",
        "model variants inspect@1",
        "model rehearse-harm inspect@1",
        "rollout plan inspect@1 --waves 34,100",
        "rollout start inspect@1 --waves 34,100 --soak 6 --probation 3 --min-feedback 60",
        "rollout list",
        "rollout show ro-1",
        "rollout pause ro-1",
        "rollout resume ro-1",
        "rollout abort ro-1",
        "audit --limit 3"
      })
  void every_command_answers_people_and_scripts(String command) throws Exception {
    Ran people = line(command);
    assertThat(people.code()).as(people.err()).isZero();
    assertThat(people.out()).isNotBlank();
    Ran script = line(command + " --json");
    assertThat(script.code()).as(script.err()).isZero();
    JsonNode document = new ObjectMapper().readTree(script.out());
    assertThat(document.isObject()).isTrue();
    try (var parser = new ObjectMapper().createParser(script.out())) {
      parser.readValueAsTree();
      assertThat(parser.nextToken()).as("nothing follows").isNull();
    }
  }

  @Test
  void a_worker_that_is_not_wanted_ends_with_the_reason() {
    Ran ran = line("lab worker --work-dir " + directory.resolve("work"));
    assertThat(ran.code()).isEqualTo(1);
    assertThat(ran.err().lines().toList())
        .last()
        .asString()
        .contains("does its lab's jobs itself", "set lab.remoteWorkers: true");
  }

  @Test
  void every_command_has_help() {
    StringWriter sink = new StringWriter();
    Surroundings around =
        new Surroundings(
            new PrintWriter(sink), new PrintWriter(sink), false, environment, Duration.ZERO);
    CommandLine root =
        Cli.finish(Cli.commands(around, System::nanoTime, new GracefulStop(Duration.ZERO)), around);
    root.getSubcommands()
        .forEach(
            (name, command) -> {
              assertThat(run(name, "--help").out()).contains("Usage: stillhouse " + name);
              command
                  .getSubcommands()
                  .keySet()
                  .forEach(
                      inner ->
                          assertThat(run(name, inner, "--help").out())
                              .contains("Usage: stillhouse " + name + " " + inner));
            });
    assertThat(run("--help").out()).contains("network", "device", "model", "rollout", "audit");
    assertThat(run("--version").code()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          ""                                     | a command is missing
          device                                 | a command is missing (one of
          nonsense                               | nonsense
          device show                            | Missing required parameter: 'DEVICE'
          device list --jsn                      | Unknown option: '--jsn'
          model variants inspect                 | 'inspect' is no NAME@VERSION
          model variants inspect@0               | 'inspect@0' is no NAME@VERSION
          model variants @1                      | '@1' is no NAME@VERSION
          model train --name x                   | Missing required option: '--data=SPEC'
          rollout plan inspect@1 --waves ten     | 'ten' is not an int
          rollout start inspect@1 --soak soon    | 'soon' is not a long
          network cost resnet20 --width wide     | 'wide' is not a double
          network cost                           | Missing required parameter: 'NAME'
          network export resnet20                | Missing required option: '--out=FILE'
          audit --limit x                        | 'x' is not an int
          lab                                    | a command is missing (one of compress, evaluate, import, kernels, reproduce, train
          lab train --network resnet8 --out x    | Missing required option: '--data=SPEC'
          lab train --epochs many                | 'many' is not an int
          lab compress --teacher x --out y       | Missing required options
          lab evaluate --data builtin:x          | Missing required option: '--model=DIR|FILE.onnx'
          """)
  void wrong_use_is_one_line_and_code_two(String command, String message) {
    Ran ran = command.isEmpty() ? run() : line(command);
    assertThat(ran.code()).as(ran.err()).isEqualTo(2);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err().strip().lines()).singleElement().asString().contains(message, "--help");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          device show nobody                                | cannot find device nobody
          model show nothing                                | cannot find model nothing
          rollout pause ro-9                                | cannot find rollout ro-9
          rollout watch ro-9                                | cannot find rollout ro-9
          audit --limit 0                                   | cannot take limit
          device list --coordinator http://127.0.0.1:1      | nothing listens there
          device list --coordinator ftp://x                 | it is no http(s) URL
          device list --coordinator localhost:8080          | it is no http(s) URL
          device list --coordinator http://nowhere.invalid  | cannot reach the coordinator
          lab worker --coordinator localhost:8080           | it is no http(s) URL
          lab worker --work-dir /etc/hostname/x             | /etc/hostname/x
          network export resnet20 --out /nowhere/x.onnx     | its folder does not exist
          lab evaluate --model /nowhere --data builtin:fashion-mnist-12k | there is no such file
          lab evaluate --model /etc/hostname --data builtin:fashion-mnist-12k | /etc/hostname
          lab evaluate --model /nowhere --data images:/nowhere | /nowhere
          """)
  void a_failure_is_one_line_and_code_one(String command, String message) {
    assertOneLine(line(command), 1, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          network cost nonet                                | network: nonet is not known
          network cost resnet20 --input 3x4                 | shape: 3x4
          network cost resnet20 --input 3x1x1               | too small
          network cost resnet20 --width 0                   | width: 0.0
          network cost resnet20 --width NaN                 | width: NaN
          network cost resnet20 --classes 1                 | classes: 1
          network cost resnet20 --stem imagenet             | one form for all images
          network cost mobilenet_v2 --stem wide             | stem: wide
          network cost mobilenet_v2 --input 3x7x7           | too small
          model train --name x --data magic:y               | kind magic is unknown
          lab worker --threads 2000                         | threads: 2000
          lab worker --memory-mib 100                       | memory 100 MiB
          lab evaluate --model /etc/hostname --data builtin:nothing | builtin:nothing
          """)
  void an_argument_without_sense_is_one_line_and_code_two(String command, String message) {
    assertOneLine(line(command), 2, message);
  }

  private static void assertOneLine(Ran ran, int code, String message) {
    assertThat(ran.code()).as(ran.err()).isEqualTo(code);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err().strip().lines())
        .singleElement()
        .asString()
        .contains(message)
        .matches(".+: .+[;.] .+");
    assertThat(ran.err()).doesNotContain("Exception");
  }

  @Test
  void a_missing_or_wrong_token_is_told() {
    environment.remove("STILLHOUSE_TOKEN");
    assertThat(line("device list").err()).contains("no token was sent", "STILLHOUSE_TOKEN");
    environment.put("STILLHOUSE_TOKEN", "wrong");
    assertThat(line("device list").err()).contains("the token is wrong");
  }

  @Test
  void a_job_is_followed_with_plain_lines_to_its_end() {
    fakes.jobStates.clear();
    fakes.jobStates.add(FakeServices.job("QUEUED", 0, ""));
    for (int i = 0; i <= 100; i++) {
      fakes.jobStates.add(FakeServices.job("RUNNING", i / 100.0, ""));
    }
    fakes.jobStates.add(FakeServices.job("SUCCEEDED", 1, ""));
    Ran ran = line("model train --name inspect --data builtin:fashion-mnist-12k --json");
    assertThat(ran.code()).isZero();
    assertThat(ran.err().lines()).hasSizeBetween(10, 12).allMatch(l -> !l.contains("\r"));
  }

  @Test
  void a_terminal_gets_a_bar() {
    terminal = true;
    fakes.jobStates.clear();
    fakes.jobStates.add(FakeServices.job("RUNNING", 0.5, ""));
    fakes.jobStates.add(FakeServices.job("SUCCEEDED", 1, ""));
    Ran ran = line("model train --name inspect --data builtin:fashion-mnist-12k");
    assertThat(ran.err()).contains("\r[###############...............]  50 %").endsWith("\n");
  }

  @Test
  void a_failed_job_fails_the_command_with_its_own_words() {
    fakes.jobStates.clear();
    fakes.jobStates.add(FakeServices.job("FAILED", 0.4, "no memory\nat line 2"));
    Ran ran = line("model tailor inspect@1");
    assertThat(ran.code()).isEqualTo(1);
    assertThat(ran.err()).contains("job 7 failed: no memory at line 2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model tailor inspect@1", "model variants inspect@1"})
  void what_was_rejected_and_why_is_printed_bounded_and_given_whole_to_scripts(String command)
      throws Exception {
    List<String> people = line(command).out().lines().toList();
    assertThat(people)
        .filteredOn(l -> l.matches("x86_64-avx2-t1 +big-w100 .*"))
        .hasSize(8)
        .allMatch(l -> l.matches(".* 7000 +900000 +5000000 +file 900000 > 98304"));
    assertThat(people)
        .contains(
            "x86_64-avx2-t1: 5 more rejected; --json has up to 2 of them",
            "aarch64-neon-t1: no candidate fits");
    JsonNode script = new ObjectMapper().readTree(line(command + " --json").out());
    assertThat(script.path("tailoring").path(0).path("rejected")).hasSize(10);
    assertThat(script.path("tailoring").path(0).path("leftOut").asInt()).isEqualTo(3);
    assertThat(script.path("tailoring").path(1).has("student")).isFalse();
  }

  @Test
  void a_plan_names_who_gets_what_who_is_away_and_who_is_left_out() {
    String printed = line("rollout plan inspect@1").out();
    assertThat(printed.lines().filter(l -> l.matches("1 +press-7 +x86_64-avx2-t1 +a{12} +off.*")))
        .hasSize(20);
    assertThat(printed)
        .contains("and 10 devices more", "left out: 1 NO_VARIANT")
        .containsPattern("(?m)^press-9 +NO_VARIANT$");
  }

  @Test
  void a_refusal_is_shown_by_the_name_that_the_operator_guide_has() {
    assertThat(line("device show press-7").out())
        .containsPattern("(?m)^refusal +NO_SPACE: 7 bytes free");
  }

  @Test
  void every_limit_of_the_gate_can_be_typed() {
    StringBuilder typed = new StringBuilder("rollout start inspect@1 --feedback-demanded");
    List<String> expected = new ArrayList<>();
    for (var limit : GateRequest.class.getRecordComponents()) {
      if (limit.getType() != Optional.class) {
        String name = limit.getName().replaceAll("Seconds$", "");
        String value = limit.getType() == OptionalDouble.class ? "0.5" : "7";
        typed.append(" --");
        typed.append(name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
        typed.append(' ').append(value);
        expected.add(limit.getName() + "=" + limit.getType().getSimpleName() + "[" + value + "]");
      }
    }
    Ran ran = line(typed.toString());
    assertThat(ran.code()).as(ran.err()).isZero();
    assertThat(fakes.calls).singleElement().asString().contains(expected);
  }

  @Test
  void watching_ends_as_the_rollout_does() {
    fakes.rolloutStates.clear();
    fakes.rolloutStates.add(FakeServices.rollout("RUNNING"));
    fakes.rolloutStates.add(FakeServices.rollout("SUCCEEDED"));
    Ran good = line("rollout watch ro-1");
    assertThat(good.code()).isZero();
    assertThat(good.err()).contains("RUNNING", "waiting for 2 of 3 devices", "SUCCEEDED");
    fakes.rolloutStates.clear();
    fakes.rolloutStates.add(FakeServices.rollout("ROLLED_BACK"));
    Ran bad = line("rollout watch ro-1");
    assertThat(bad.code()).isEqualTo(1);
    assertThat(bad.out()).contains("because accuracy 0.10");
  }

  @Test
  void requests_carry_what_was_typed() {
    line("rollout start inspect@1 --waves 34,100 --soak 6 --probation 3 --accuracy-drop-max 0.05");
    assertThat(fakes.calls)
        .singleElement()
        .asString()
        .contains(
            "waves=Optional[[34, 100]]",
            "soakSeconds=OptionalLong[6]",
            "accuracyDropMax=OptionalDouble[0.05]",
            "errorRateMax=OptionalDouble.empty");
    fakes.calls.clear();
    line("rollout start inspect@1");
    assertThat(fakes.calls).singleElement().asString().contains("gate=Optional.empty");
    fakes.calls.clear();
    line("model train --name inspect --data images:photos --epochs 3");
    assertThat(fakes.calls.get(0))
        .contains("images:" + Path.of("photos").toAbsolutePath(), "OptionalInt[3]");
    fakes.calls.clear();
    line("device label press-7");
    assertThat(fakes.calls).containsExactly("label press-7 {}");
  }

  @Test
  void an_untrained_network_is_measured_to_guess() throws Exception {
    Path file = directory.resolve("net.onnx");
    Ran exported =
        line(
            "network export resnet8 --input 1x28x28 --classes 10 --width 0.5 --seed 3 --out "
                + file);
    assertThat(exported.code()).as(exported.err()).isZero();
    Ran ran = line("lab evaluate --data builtin:fashion-mnist-12k --json --model " + file);
    assertThat(ran.code()).as(ran.err()).isZero();
    JsonNode measured = new ObjectMapper().readTree(ran.out());
    for (String field :
        List.of(
            "accuracy",
            "params",
            "macs",
            "fileBytes",
            "wireBytes",
            "latencyP50Micros",
            "latencyP99Micros",
            "peakMemoryBytes")) {
      assertThat(measured.has(field)).as(field).isTrue();
    }
    assertThat(measured.path("fileBytes").asLong()).isEqualTo(Files.size(file));
    assertThat(measured.path("accuracy").asDouble()).isBetween(0.0, 0.4);
  }

  /** Tests run with kernels that are exact everywhere. */
  @Test
  void the_kernels_of_this_run_are_found_exact() {
    assertThat(line("lab kernels")).isEqualTo(new Ran(0, "exact\n", ""));
  }

  @Test
  void a_network_is_counted_and_written() throws Exception {
    JsonNode cost =
        new ObjectMapper()
            .readTree(line("network cost resnet20 --input 3x32x32 --classes 10 --json").out());
    long layers = 0;
    for (JsonNode layer : cost.path("layers")) {
      layers += layer.path("macs").asLong();
    }
    assertThat(cost.path("macs").asLong()).isEqualTo(layers).isPositive();
    assertThat(cost.path("params").asLong()).isPositive();
    assertThat(cost.path("activationPeakBytes").asLong()).isPositive();
    Path file = directory.resolve("net.onnx");
    assertThat(run("network", "export", "resnet20", "--seed", "3", "--out", file.toString()).code())
        .isZero();
    byte[] first = Files.readAllBytes(file);
    run("network", "export", "resnet20", "--seed", "3", "--out", file.toString());
    assertThat(Files.readAllBytes(file)).isEqualTo(first);
  }
}
