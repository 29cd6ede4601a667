package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people get wrong is one line that says what, why and what to do, and leaves nothing. */
@Timeout(120)
class BadInputIT {
  private static final int FAILED = 1;
  private static final int USAGE = 2;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  private record Ended(int code, String out, List<String> errors) {}

  @Test
  void an_unknown_network_is_one_line_that_names_the_known_ones() throws Exception {
    Ended ended =
        run(
            "stillhouse",
            "lab",
            "train",
            "--data",
            "builtin:fashion-mnist-12k",
            "--network",
            "resnet9",
            "--out",
            folder.resolve("out").toString());
    assertRefused(ended, USAGE, "resnet9", "resnet8");
    assertThat(entries()).isEmpty();
  }

  @Test
  void a_missing_data_folder_is_one_line_and_leaves_nothing() throws Exception {
    Ended ended =
        run(
            "stillhouse",
            "lab",
            "train",
            "--data",
            "images:" + folder.resolve("nowhere"),
            "--network",
            "resnet8",
            "--out",
            folder.resolve("out").toString());
    assertRefused(ended, FAILED, "nowhere");
    assertThat(entries()).isEmpty();
  }

  @Test
  void a_recipe_with_a_wrong_field_is_one_line_that_names_it() throws Exception {
    Path teacher = Files.createDirectories(folder.resolve("teacher"));
    Path recipe =
        Files.writeString(
            folder.resolve("recipe.yaml"), "steps:\n  - quantize: {precison: int8}\n");
    Ended ended =
        run(
            "stillhouse",
            "lab",
            "compress",
            "--teacher",
            teacher.toString(),
            "--recipe",
            recipe.toString(),
            "--data",
            "builtin:fashion-mnist-12k",
            "--out",
            folder.resolve("out").toString());
    assertRefused(ended, USAGE, "precison", "precision");
    assertThat(folder.resolve("out")).doesNotExist();
    assertThat(folder.resolve("out.unfinished")).doesNotExist();
  }

  @Test
  void a_port_in_use_is_one_line_for_the_coordinator() throws Exception {
    for (String part : List.of("http", "grpc", "kafka")) {
      try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        List<String> ports = new ArrayList<>();
        for (String name : List.of("http", "grpc", "kafka")) {
          ports.add("%s: {port: %d}".formatted(name, name.equals(part) ? taken.getLocalPort() : 0));
        }
        Path config =
            Files.writeString(folder.resolve(part + ".yaml"), String.join("\n", ports) + "\n");
        Ended ended =
            run(
                "stillhouse",
                "serve",
                "--config",
                config.toString(),
                "--data-dir",
                folder.resolve("data-" + part).toString());
        assertRefused(ended, FAILED, String.valueOf(taken.getLocalPort()), part);
      }
    }
  }

  @Test
  void a_port_in_use_is_one_line_for_the_agent() throws Exception {
    try (World world = Taught.world("agent-port");
        ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Path config =
          Files.writeString(
              folder.resolve("agent.yaml"),
              "rest: {host: 127.0.0.1, port: %d}\n".formatted(taken.getLocalPort()));
      Ended ended =
          run(
              "stillhouse-agent",
              "run",
              "--config",
              config.toString(),
              "--data-dir",
              world.agent("edge-a").directory().toString());
      assertRefused(ended, FAILED, String.valueOf(taken.getLocalPort()));
    }
  }

  /** The kernel refuses what goes beyond a limit, as it does on a full disk. */
  @Test
  void an_agent_whose_disk_takes_no_model_says_so_and_keeps_serving() {
    try (World world = Taught.world("full-disk")) {
      world.startCoordinator();
      AgentProcess full = world.agent("edge-a").startWithFilesOfAtMost(48);
      world.awaitOnline(1);
      String current = world.variant(Taught.CURRENT);
      world.rollOut(Taught.NEXT, List.of(100), 1);
      world.await(
          "the agent names its disk",
          () -> full.reported().path("refusal").asText().equals("NO_SPACE"));
      assertThat(full.status("refusal")).startsWith("NO_SPACE: ").doesNotContain("\n");
      assertThat(full.status("running")).isEqualTo(current);
      assertThat(World.answers(full.inference(), Taught.images())).isTrue();

      // With room again, it gets what it was offered.
      full.stop();
      full.start();
      String next = world.variant(Taught.NEXT);
      world.await("the model is there", () -> full.status("committed").equals(next));
    }
  }

  @Test
  void an_agent_that_starts_where_no_byte_can_be_written_serves_its_model() throws Exception {
    try (World world = Taught.world("full-disk-start")) {
      world.startCoordinator();
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        port = free.getLocalPort();
      }
      AgentProcess full = world.agent("edge-a").startOnFullDisk(port);
      world.await(
          "it answers",
          () -> {
            world.programs().requireAlive();
            return World.answers(world.inference(port), Taught.images());
          });
      world.awaitOnline(1);
      assertThat(full.reported().path("running").asText()).isEqualTo(world.variant(Taught.CURRENT));
    }
  }

  private static void assertRefused(Ended ended, int code, String... named) {
    assertThat(ended.code()).as("%s", ended).isEqualTo(code);
    assertThat(ended.errors()).as("one line on standard error").hasSize(1);
    assertThat(ended.errors().get(0)).contains(named);
    assertThat(ended.out()).isEmpty();
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(path -> !path.getFileName().toString().startsWith("std")).toList();
    }
  }

  private Ended run(String launcher, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Checkout.LAUNCHERS.resolve(launcher).toString());
    command.addAll(List.of(arguments));
    Path out = folder.resolve("stdout");
    Path errors = folder.resolve("stderr");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(errors.toFile())
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
    } finally {
      process.destroyForcibly();
    }
    return new Ended(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readAllLines(errors, StandardCharsets.UTF_8));
  }
}
