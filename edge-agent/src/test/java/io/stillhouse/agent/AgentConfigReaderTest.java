package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.serving.RestSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgentConfigReaderTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @Test
  void an_empty_file_changes_nothing() throws IOException {
    assertThat(read("")).isEqualTo(AgentConfig.DEFAULT);
    assertThat(read("# nothing\n")).isEqualTo(AgentConfig.DEFAULT);
    assertThat(read("{}")).isEqualTo(AgentConfig.DEFAULT);
  }

  @Test
  void every_key_is_read() throws IOException {
    assertThat(
            read(
                """
                name: press-7
                rest: {host: 0.0.0.0, port: 9001}
                telemetry: {windowMillis: 500, spoolBytesMax: 4194304}
                limits:
                  board: Raspberry Pi 4
                  inferenceThreads: 3
                  memoryBytesMax: 48
                  fileBytesMax: 32
                  latencyP99MicrosMax: 16
                  simulated: true
                artifact: {storageBytesMax: 1048576}
                """))
        .isEqualTo(
            new AgentConfig(
                "press-7",
                new RestSettings("0.0.0.0", 9001),
                new AgentConfig.Spooling(Duration.ofMillis(500), 4 << 20),
                new DeviceLimits(
                    "Raspberry Pi 4", 3, new DeviceLimits.ModelLimits(48, 32, 16), true),
                new AgentConfig.Storage(1 << 20)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          nmae: x                              | nmae is not known (expected: one of name, rest
          rest: {prt: 1}                       | rest.prt is not known
          rest: 7                              | rest: not a group of keys
          'rest: {port: "seven"}'              | port: "seven" (expected: a whole number)
          rest: {port: 65536}                  | port: 65536 (expected: 0..65535)
          rest: {port: 99999999999}            | port: 99999999999
          telemetry: {windowMillis: 1}         | windowMillis: 1 (expected: at least 100)
          telemetry: {spoolBytesMax: 1}        | spoolBytesMax: 1
          limits: {fileBytesMax: -1}           | expected: none is negative
          limits: {inferenceThreads: 1.5}      | inferenceThreads: 1.5
          limits: {simulated: maybe}           | expected: true or false
          artifact: {storageBytesMax: -1}      | storageBytesMax: -1
          'name: [a, b]'                       | name: not a single value
          'a: {'                               | not YAML
          """)
  void what_is_wrong_is_named_in_one_line(String yaml, String said) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining(said)
        .hasMessageContaining("agent.yaml")
        .hasMessageNotContaining("\n");
  }

  @Test
  void a_file_that_is_no_text_says_so() throws IOException {
    Path latin = Files.write(folder.resolve("agent.yaml"), new byte[] {'#', (byte) 0xe4, '\n'});
    assertThatThrownBy(() -> AgentConfigReader.read(latin))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("no UTF-8 text");
  }

  private AgentConfig read(String yaml) throws IOException {
    return AgentConfigReader.read(Files.writeString(folder.resolve("agent.yaml"), yaml));
  }
}
