package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Which kernels the launcher allows the training engine. A script stands in for Java: it answers
 * {@code lab kernels} with the text and exit code of a file, and otherwise prints what it was
 * allowed.
 */
class LauncherTest {
  private static final String STAND_IN =
      """
      #!/usr/bin/env bash
      case "$*" in
        *"lab kernels") echo asked >> "$HOME/asked"; . "$HOME/answer" ;;
        *) echo "${ONEDNN_MAX_CPU_ISA:-any}" ;;
      esac
      """;

  @TempDir Path folder;

  @BeforeEach
  void install() throws IOException {
    Path launcher = Files.createDirectories(folder.resolve("bin")).resolve("stillhouse");
    Files.copy(Checkout.LAUNCHERS.resolve("stillhouse"), launcher);
    Files.createDirectories(folder.resolve("lib/coordinator"));
    Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
    Files.writeString(java, STAND_IN);
    Files.createDirectories(folder.resolve("home"));
    for (Path program : List.of(launcher, java)) {
      assertThat(program.toFile().setExecutable(true)).isTrue();
    }
  }

  @Test
  void exact_kernels_are_allowed_and_the_processor_is_tried_once() throws Exception {
    answer("echo exact");

    assertThat(allowed("lab", "train")).isEqualTo("any");
    assertThat(allowed("serve")).isEqualTo("any");

    assertThat(asked()).isEqualTo(1);
  }

  @Test
  void wrong_kernels_are_kept_off_and_the_processor_is_tried_once() throws Exception {
    answer("echo 'wrong: kernel 3, side 2, 8 to 48 channels'; exit 1");

    assertThat(allowed("serve")).isEqualTo("AVX");
    assertThat(allowed("lab", "train")).isEqualTo("AVX");

    assertThat(asked()).isEqualTo(1);
  }

  @Test
  void who_asks_by_hand_is_answered_for_the_newer_kernels() throws Exception {
    answer("echo exact");
    assertThat(allowed("serve")).isEqualTo("any");

    answer("echo \"${ONEDNN_MAX_CPU_ISA:-newer}\"");
    assertThat(allowed("lab", "kernels")).isEqualTo("newer");
  }

  @Test
  void without_a_verdict_the_older_kernels_are_used_and_the_next_start_asks_again()
      throws Exception {
    answer("kill -SEGV $$");
    assertThat(allowed("serve")).isEqualTo("AVX");

    answer("echo exact");
    assertThat(allowed("serve")).isEqualTo("any");

    assertThat(asked()).isEqualTo(2);
  }

  @Test
  void another_engine_is_tried_again() throws Exception {
    Path engine = folder.resolve("lib/coordinator/pytorch-1-linux-x86_64.jar");
    Files.createFile(engine);
    answer("echo exact");
    assertThat(allowed("serve")).isEqualTo("any");

    Files.move(engine, engine.resolveSibling("pytorch-2-linux-x86_64.jar"));
    answer("echo 'wrong: kernel 1, side 5, 8 to 40 channels'; exit 1");
    assertThat(allowed("serve")).isEqualTo("AVX");
  }

  @Test
  void a_home_that_cannot_be_written_costs_the_memory_only() throws Exception {
    Files.createFile(folder.resolve("home/.stillhouse"));
    answer("echo exact");

    assertThat(allowed("serve")).isEqualTo("any");
    assertThat(allowed("serve")).isEqualTo("any");

    assertThat(asked()).isEqualTo(2);
  }

  @Test
  void what_was_set_by_hand_wins_and_commands_without_training_ask_nothing() throws Exception {
    answer("echo exact");

    assertThat(run(Map.of("ONEDNN_MAX_CPU_ISA", "AVX2"), "serve")).isEqualTo("AVX2");
    assertThat(allowed("device", "list")).isEqualTo("any");

    assertThat(folder.resolve("home/asked")).doesNotExist();
  }

  private void answer(String script) throws IOException {
    Files.writeString(folder.resolve("home/answer"), script + "\n");
  }

  private int asked() throws IOException {
    return Files.readAllLines(folder.resolve("home/asked")).size();
  }

  private String allowed(String... arguments) throws Exception {
    return run(Map.of(), arguments);
  }

  private String run(Map<String, String> extra, String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(folder.resolve("bin/stillhouse").toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().remove("ONEDNN_MAX_CPU_ISA");
    builder.environment().put("HOME", folder.resolve("home").toString());
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().putAll(extra);
    Path out = folder.resolve("out");
    Path errors = folder.resolve("errors");
    Process process = builder.redirectOutput(out.toFile()).redirectError(errors.toFile()).start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(Files.readString(errors)).isEmpty();
    assertThat(process.exitValue()).isZero();
    return Files.readString(out).strip();
  }
}
