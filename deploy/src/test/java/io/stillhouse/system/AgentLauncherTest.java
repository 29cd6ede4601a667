package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the agent's launcher gives to Java, for which a script stands in. */
class AgentLauncherTest {
  @TempDir Path folder;

  @BeforeEach
  void install() throws IOException {
    Path launcher =
        Files.createDirectories(folder.resolve("a tree/bin")).resolve("stillhouse-agent");
    Files.copy(Checkout.LAUNCHERS.resolve("stillhouse-agent"), launcher);
    Path lib = Files.createDirectories(folder.resolve("a tree/lib/agent"));
    for (String jar : List.of("agent", "bcpkix-1", "bcprov-1", "bcutil-1", "kafka-clients-4")) {
      Files.createFile(lib.resolve(jar + ".jar"));
    }
    Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\nprintf '%s\\n' \"$MALLOC_ARENA_MAX\" \"$@\"\n");
    for (Path program : List.of(launcher, java)) {
      assertThat(program.toFile().setExecutable(true)).isTrue();
    }
  }

  @Test
  void only_enrolment_sees_the_library_that_signs_requests() throws Exception {
    Path lib = folder.resolve("a tree/lib/agent");
    assertThat(started("run", "--data-dir", "d"))
        .contains(lib.resolve("agent.jar") + ":" + lib.resolve("kafka-clients-4.jar"))
        .endsWith("io.stillhouse.agent.AgentMain", "run", "--data-dir", "d");
    assertThat(started("enroll", "--token", "t"))
        .contains(lib + "/*")
        .endsWith("io.stillhouse.agent.AgentMain", "enroll", "--token", "t");
  }

  @Test
  void the_memory_profile_is_small_and_may_be_changed() throws Exception {
    assertThat(started("run")).startsWith("2").contains("-Xmx96m");
    List<String> options = started("run");
    assertThat(options.indexOf("-Xmx64m")).isGreaterThan(options.indexOf("-Xmx96m"));
  }

  /** What Java is given, line by line. */
  private List<String> started(String... arguments) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(folder.resolve("a tree/bin/stillhouse-agent").toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().remove("MALLOC_ARENA_MAX");
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().put("STILLHOUSE_AGENT_JAVA_OPTS", "-Xmx64m");
    Process process = builder.redirectErrorStream(true).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        .lines()
        .toList();
  }
}
