package io.stillhouse.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.drive.AgentClient;
import io.stillhouse.drive.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One agent: its data directory and, while it runs, its process. */
final class AgentProcess {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final World world;
  private final String name;
  private Programs.@Nullable Running process;

  AgentProcess(World world, String name) {
    this.world = world;
    this.name = name;
  }

  String name() {
    return name;
  }

  Path directory() {
    return world.root().resolve(name);
  }

  private Path config() {
    return world.root().resolve(name + ".yaml");
  }

  /** Enrols a board whose limits leave room for every student that is tailored. */
  AgentProcess enrol() {
    String token = world.api().post("/device-tokens", Map.of("name", name)).path("token").asText();
    try {
      Files.writeString(
          config(),
          """
          name: %s
          rest: {host: 127.0.0.1, port: 0}
          telemetry: {windowMillis: 500}
          limits:
            board: sim-test
            inferenceThreads: 1
            memoryBytesMax: 268435456
            fileBytesMax: 4194304
            latencyP99MicrosMax: 1000000
            simulated: true
          """
              .formatted(name));
      world
          .programs()
          .run(
              "enroll-" + name,
              "stillhouse-agent",
              List.of(
                  "enroll",
                  "--coordinator",
                  world.endpoint("grpc"),
                  "--token",
                  token,
                  "--config",
                  config().toString(),
                  "--data-dir",
                  directory().toString()));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts it and waits until its inference API listens. */
  AgentProcess start() {
    return start(command());
  }

  /** Starts it where the kernel lets no file grow beyond so many KiB. */
  AgentProcess startWithFilesOfAtMost(int kib) {
    return start(limited(kib));
  }

  /** Starts it where the kernel lets no byte be written to any file; it serves at this port. */
  AgentProcess startOnFullDisk(int port) {
    try {
      String config = Files.readString(config());
      Files.writeString(config(), config.replace("port: 0}", "port: " + port + "}"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    launch(limited(0));
    return this;
  }

  private List<String> limited(int kib) {
    List<String> limited =
        new ArrayList<>(List.of("bash", "-c", "ulimit -f " + kib + "; exec \"$@\"", "limited"));
    limited.addAll(command());
    return limited;
  }

  private List<String> command() {
    return List.of(
        Checkout.LAUNCHERS.resolve("stillhouse-agent").toString(),
        "run",
        "--config",
        config().toString(),
        "--data-dir",
        directory().toString());
  }

  private void launch(List<String> command) {
    try {
      Files.deleteIfExists(directory().resolve("rest.port"));
      process = world.programs().start(name, command);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private AgentProcess start(List<String> command) {
    launch(command);
    world.await(
        name + " serves",
        () -> {
          world.programs().requireAlive();
          return port().isPresent();
        });
    return this;
  }

  /** Has it dial another address from its next start on. */
  AgentProcess dialling(String address) {
    Path file = directory().resolve("identity").resolve("identity.json");
    try {
      ObjectNode identity = (ObjectNode) JSON.readTree(file.toFile());
      Files.write(file, JSON.writeValueAsBytes(identity.put("coordinator", address)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** Throws away what it has not sent, and counts from one again. */
  AgentProcess withFreshSpool() {
    Checkout.delete(directory().resolve("spool"));
    return this;
  }

  void kill() {
    world.programs().kill(running());
    process = null;
  }

  void stop() {
    world.programs().stop(running());
    process = null;
  }

  /** Its children, such as a self-test. */
  List<ProcessHandle> children() {
    return running().process().descendants().toList();
  }

  AgentClient inference() {
    return world.inference(port().orElseThrow());
  }

  /** What it says of itself, from the file behind {@code stillhouse-agent status}. */
  String status(String field) {
    return World.json(directory().resolve("status.json"))
        .map(status -> status.path(field).asText())
        .orElse("");
  }

  /** What the coordinator last heard of it. */
  JsonNode reported() {
    return world.device(name).path("reported");
  }

  private Optional<Integer> port() {
    try {
      String text = Files.readString(directory().resolve("rest.port")).strip();
      return text.isEmpty() ? Optional.empty() : Optional.of(Integer.parseInt(text));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Programs.Running running() {
    Programs.Running started = process;
    if (started == null) {
      throw new IllegalStateException(name + " is not started");
    }
    return started;
  }
}
