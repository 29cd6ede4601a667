package io.stillhouse.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.server.failure.CoordinatorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CoordinatorConfigTest {
  @TempDir Path directory = Path.of("");

  @Test
  void an_empty_file_is_the_defaults() {
    for (String text : List.of("", "# nothing\n", "---\n")) {
      assertThat(ConfigReader.parse("test.yaml", text)).isEqualTo(CoordinatorConfig.DEFAULT);
    }
    CoordinatorConfig config = CoordinatorConfig.DEFAULT;
    assertThat(config.http()).isEqualTo(new CoordinatorConfig.Http("127.0.0.1", 8080, List.of()));
    assertThat(config.grpc())
        .isEqualTo(new CoordinatorConfig.Grpc("127.0.0.1", 7443, List.of(), 5));
    assertThat(config.kafka())
        .isEqualTo(
            new CoordinatorConfig.Kafka(
                true,
                "127.0.0.1",
                9092,
                "",
                "",
                new CoordinatorConfig.KafkaSecurity("auto", "", "")));
    assertThat(config.database()).isEqualTo(new CoordinatorConfig.Database("", "", ""));
    assertThat(config.lab()).isEqualTo(new CoordinatorConfig.Lab(0, 512, 4096, 120, false));
    assertThat(config.rollout())
        .isEqualTo(new CoordinatorConfig.Rollout(List.of(10, 50, 100), 300, 60, 86_400));
    assertThat(config.operatorToken()).isEmpty();
  }

  @Test
  void every_key_reaches_its_place() throws Exception {
    Path file = directory.resolve("all.yaml");
    Files.writeString(
        file,
        """
        http: {host: 0.0.0.0, port: 81, allowedHosts: [console.example]}
        grpc: {host: 0.0.0.0, port: 82, names: [devices.example], heartbeatSeconds: 9}
        kafka: {embedded: false, host: 0.0.0.0, port: 83, advertisedHost: k, bootstrap: "k1:9092",
          security: {devices: tls, deviceTrust: ca.pem, client: kafka.properties}}
        database: {url: "jdbc:postgresql://db/s", user: u, password: p}
        lab: {threads: 3, heapMiB: 256, memoryMiB: 2048, timeLimitMinutes: 7, remoteWorkers: true}
        rollout: {waves: [20, 100], soakSeconds: 1, probationSeconds: 2, waveDeadlineSeconds: 3}
        operatorToken: "0123456789abcdef"
        """);
    CoordinatorConfig config = ConfigReader.read(file);
    assertThat(config)
        .isEqualTo(
            new CoordinatorConfig(
                new CoordinatorConfig.Http("0.0.0.0", 81, List.of("console.example")),
                new CoordinatorConfig.Grpc("0.0.0.0", 82, List.of("devices.example"), 9),
                new CoordinatorConfig.Kafka(
                    false,
                    "0.0.0.0",
                    83,
                    "k",
                    "k1:9092",
                    new CoordinatorConfig.KafkaSecurity("tls", "ca.pem", "kafka.properties")),
                new CoordinatorConfig.Database("jdbc:postgresql://db/s", "u", "p"),
                new CoordinatorConfig.Lab(3, 256, 2048, 7, true),
                new CoordinatorConfig.Rollout(List.of(20, 100), 1, 2, 3),
                "0123456789abcdef"));
    assertThat(config.toString()).doesNotContain("0123456789abcdef").doesNotContain("password");
  }

  @Test
  void one_key_leaves_the_others_alone() {
    CoordinatorConfig config = ConfigReader.parse("t", "http: {port: 0}");
    assertThat(config.http()).isEqualTo(new CoordinatorConfig.Http("127.0.0.1", 0, List.of()));
    assertThat(config.grpc()).isEqualTo(CoordinatorConfig.DEFAULT.grpc());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          http: {prot: 1}                 | http.prot is not a key (known here: host, port, allowedHosts)
          htp: {port: 1}                  | htp is not a key (known here: http, grpc, kafka, database, lab, rollout, operatorToken)
          http: 8080                      | http: not a group of keys
          http: {port: many}              | http.port
          http: {port: 70000}             | http.port: 70000 (expected: 0 to 65535)
          http: {port: 1.5}               | http.port
          http: {port: }                  | http.port has no value
          http: {host: 5}                 | http.host: 5 is not a text
          lab: {threads: -1}              | lab.threads: -1
          lab: {heapMiB: 512, memoryMiB: 100} | lab.memoryMiB: 100
          kafka: {embedded: false}        | kafka.bootstrap: empty
          kafka: {bootstrap: "k:1"}       | kafka.bootstrap: set although
          rollout: {waves: [50, 20, 100]} | rollout.waves: [50, 20, 100]
          rollout: {waves: [50]}          | rollout.waves: [50]
          operatorToken: short            | operatorToken: 5 characters
          "[1, 2]"                        | the file: not a group of keys
          "http: {port"                   | line 1
          """)
  void a_wrong_file_is_one_line_that_names_the_key(String yaml, String message) {
    assertThatThrownBy(() -> ConfigReader.parse("test.yaml", yaml))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("cannot use the configuration test.yaml")
        .hasMessageContaining(message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void a_file_that_is_missing_or_no_text_says_so() throws Exception {
    Path latin = Files.write(directory.resolve("latin.yaml"), new byte[] {'#', (byte) 0xe4, '\n'});
    assertThatThrownBy(() -> ConfigReader.read(directory.resolve("none.yaml")))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> ConfigReader.read(latin))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("no UTF-8 text");
  }
}
