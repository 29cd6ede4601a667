package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.inference.HostSettings;
import io.stillhouse.agent.inference.OnnxModelHost;
import io.stillhouse.agent.link.IdentityStore;
import io.stillhouse.agent.link.Stamps;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.Release;
import io.stillhouse.agent.reconcile.Slot;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.serving.InferenceServer;
import io.stillhouse.agent.serving.RestSettings;
import io.stillhouse.agent.testing.FakeCoordinator;
import io.stillhouse.agent.testing.Slots;
import io.stillhouse.agent.testing.TinyModels;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AgentCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  /** What a command did. */
  private record Ran(int code, String out, String err) {}

  /** Runs a command; {@code @} stands for the test's own folder. */
  private Ran run(String line) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Stamps stamps = new Stamps("boot", Agent.VERSION, InstantSource.system(), System::nanoTime, 0);
    int code =
        AgentCommands.of(
                new AgentCommands.Surroundings(
                    new PrintWriter(out, true),
                    new PrintWriter(err, true),
                    stamps,
                    new SecureRandom(),
                    // The runtime loads once in a process, and this folder will be deleted.
                    directory -> {}))
            .execute(
                Arrays.stream(line.strip().split(" +"))
                    .filter(word -> !word.isEmpty())
                    .map(word -> word.replace("@", folder + "/"))
                    .toArray(String[]::new));
    return new Ran(code, out.toString(), err.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                                       | one of enroll, run, status, profile, infer
          enroll --token x                                         | --coordinator
          enroll --coordinator nohost --token x --data-dir @agent  | host:port
          run --colour blue                                        | --colour
          infer                                                    | PICTURE
          """)
  void a_command_used_wrongly_is_one_line_and_code_two(String line, String said) {
    assertOneLine(run(line), 2, said);
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          status --data-dir @agent                                 | no agent has run on it
          infer --data-dir @agent x.png                            | no agent serves a model
          run --data-dir @agent                                    | this device is not enrolled
          run --data-dir @agent --config @none.yaml                | there is no such file
          enroll --coordinator a:1 --token x --data-dir @agent     | the token is malformed
          enroll --coordinator a:1 --token x --data-dir @no/agent  | to make it in
          run --data-dir @no/agent                                 | to make it in
          profile --data-dir @no/agent                             | there is no directory
          """)
  void a_command_that_cannot_be_done_is_one_line_and_code_one(String line, String said) {
    assertOneLine(run(line), 1, said);
  }

  @Test
  void a_data_directory_that_is_a_file_is_named() throws IOException {
    Files.writeString(folder.resolve("agent"), "");
    assertOneLine(run("run --data-dir @agent"), 1, "is no directory");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "four", "0", "-1", "70000", "12 34", "\u00ff", "99999999999999999999"})
  void a_port_file_without_a_port_is_named(String content) throws IOException {
    Layout layout = new Layout(folder.resolve("agent"));
    layout.create(new RealDisk());
    Files.writeString(layout.restPort(), content);
    Files.writeString(layout.status(), "{\"model\":\"inspect\"}");
    assertOneLine(run("infer --data-dir @agent x.png"), 1, "it holds no port number");
  }

  @Test
  void a_damaged_identity_is_named() throws IOException {
    Path identity = new Layout(folder.resolve("agent")).identity();
    Files.createDirectories(identity);
    Files.writeString(identity.resolve("identity.json"), "{\n");
    assertOneLine(run("run --data-dir @agent"), 1, "enrol this device again");
  }

  @Test
  void a_token_enrols_the_device() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      Files.writeString(folder.resolve("agent.yaml"), "name: press-7\n");
      Ran ran =
          run(
              "enroll --coordinator 127.0.0.1:%d --token %s --data-dir @agent --config @agent.yaml"
                  .formatted(coordinator.port(), coordinator.token()));
      assertThat(ran.code()).as(ran.err()).isZero();
      assertThat(ran.out()).contains("enrolled as press-7-1");
      assertThat(
              new IdentityStore(new RealDisk(), new Layout(folder.resolve("agent")).identity())
                  .load())
          .isPresent();
      assertThat(coordinator.enrolments.get(0).getProfile().getProbesList()).isNotEmpty();
    }
  }

  @Test
  void an_identity_is_given_up_only_on_request_and_never_under_a_running_agent() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      String enroll =
          "enroll --coordinator 127.0.0.1:%d --token %s --data-dir @agent"
              .formatted(coordinator.port(), coordinator.token());
      assertThat(run(enroll).code()).isZero();
      Path file = new Layout(folder.resolve("agent")).identity().resolve("identity.json");
      byte[] first = Files.readAllBytes(file);

      assertOneLine(run(enroll), 1, "it is enrolled as ");
      assertThat(run(enroll).err()).contains("--replace", "127.0.0.1:" + coordinator.port());
      DirectoryLock agent = DirectoryLock.take(new Layout(folder.resolve("agent")));
      try (agent) {
        assertOneLine(run(enroll + " --replace"), 1, "another agent runs on it");
      }
      assertThat(file).hasBinaryContent(first);
      assertThat(coordinator.enrolments).as("no token was spent").hasSize(1);

      Journal journal = new Journal(new RealDisk(), new Layout(folder.resolve("agent")).journal());
      Installed committed =
          new Installed(Slot.A, new Digest("a".repeat(64)), new Release("inspect", 1, 4, 2));
      Models models = new Models(Optional.of(committed), Optional.empty(), Optional.empty());
      Desired former =
          new Desired(9, Optional.of(new Digest("b".repeat(64))), "ro-1", 1, Duration.ZERO);
      journal.save(
          new UpdateState(
              former,
              UpdateState.FRESH.progress(),
              models,
              UpdateState.FRESH.evidence(),
              UpdateState.FRESH.memory()));

      Path spool = new Layout(folder.resolve("agent")).spool();
      Files.createDirectories(spool);
      Files.writeString(spool.resolve("segment"), "of the former device");

      assertThat(run(enroll + " --replace").code()).isZero();
      assertThat(spool).doesNotExist();
      assertThat(Files.readAllBytes(file)).isNotEqualTo(first);
      UpdateState now = journal.load().state().orElseThrow();
      assertThat(now.desired()).as("generations begin anew").isEqualTo(Desired.NOTHING);
      assertThat(now.live()).as("what serves").contains(committed);
      Files.writeString(file, "{");
      assertOneLine(run(enroll), 1, "with --replace");
      assertThat(run(enroll + " --replace").code()).isZero();
    }
  }

  @Test
  void the_measured_profile_is_shown() throws IOException {
    Ran ran = run("profile --data-dir @agent --json");
    assertThat(ran.code()).as(ran.err()).isZero();
    JsonNode profile = JSON.readTree(ran.out());
    assertThat(profile.path("board").path("cores").asInt()).isPositive();
    assertThat(profile.path("probes")).isNotEmpty();
  }

  @Test
  void the_model_that_runs_is_shown_and_asked_about_pictures() throws IOException {
    Layout layout = new Layout(folder.resolve("agent"));
    layout.create(new RealDisk());
    paint("white.png", 255);
    paint("black.png", 0);
    Files.writeString(folder.resolve("torn.png"), "no picture");
    try (OnnxModelHost host = new OnnxModelHost(HostSettings.withThreads(1), System::nanoTime);
        InferenceServer server = InferenceServer.start(RestSettings.LOOPBACK, host, "1")) {
      // It sees one number, the brightness: bright is class 0, dark is class 1.
      host.activate(Slots.slot(folder, TinyModels.linear(new float[] {1, -1, 0}, new float[3]), 3));
      Files.writeString(layout.restPort(), Integer.toString(server.port()));
      new StatusFile(new RealDisk(), layout.status())
          .write("press-7", UpdateState.FRESH, host.live());

      JsonNode status = JSON.readTree(run("status --data-dir @agent --json").out());
      assertThat(status.path("model").asText()).isEqualTo("inspect");
      assertThat(status.path("version").asInt()).isEqualTo(3);

      Ran ran = run("infer --data-dir @agent --json @white.png @black.png");
      assertThat(ran.code()).as(ran.err()).isZero();
      JsonNode results = JSON.readTree(ran.out()).path("results");
      assertThat(results.findValuesAsText("label")).isEqualTo(List.of("bad", "good"));
      assertThat(results.path(0).path("confidence").asDouble()).isBetween(0.5, 1.0);

      Files.writeString(folder.resolve("agent.yaml"), "rest: {host: 0.0.0.0}\n");
      assertThat(run("infer --data-dir @agent --config @agent.yaml @white.png").code()).isZero();
      Files.writeString(folder.resolve("agent.yaml"), "rest: {host: 127.0.0.3}\n");
      assertOneLine(
          run("infer --data-dir @agent --config @agent.yaml @white.png"), 1, "does not run");

      Ran labelled = run("infer --data-dir @agent --expected good @white.png @black.png");
      assertThat(labelled.code()).as(labelled.err()).isZero();
      assertThat(host.stats().feedback().count()).isEqualTo(2);
      assertThat(host.stats().feedback().correct()).isEqualTo(1);
      assertOneLine(
          run("infer --data-dir @agent --expected blue @white.png"), 1, "bad, good, unsure");

      Ran partly = run("infer --data-dir @agent @white.png @torn.png @none.png @black.png");
      assertThat(partly.code()).isEqualTo(1);
      assertThat(partly.out().lines()).hasSize(2);
      assertThat(partly.err().lines())
          .satisfiesExactly(
              torn -> assertThat(torn).contains("torn.png", "not a PNG"),
              none -> assertThat(none).contains("none.png", "no such file"));
    }
    assertOneLine(run("infer --data-dir @agent @white.png"), 1, "its agent does not run");
  }

  private void paint(String name, int grey) throws IOException {
    BufferedImage image = new BufferedImage(40, 20, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < 20; y++) {
      for (int x = 0; x < 40; x++) {
        image.getRaster().setSample(x, y, 0, grey);
      }
    }
    ImageIO.write(image, "png", folder.resolve(name).toFile());
  }

  private static void assertOneLine(Ran ran, int code, String said) {
    assertThat(ran.code()).as(ran.err()).isEqualTo(code);
    assertThat(ran.err().strip().lines()).singleElement().asString().contains(said);
    assertThat(ran.out()).isEmpty();
  }
}
