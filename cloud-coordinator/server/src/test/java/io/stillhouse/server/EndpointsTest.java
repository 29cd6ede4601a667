package io.stillhouse.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.config.CoordinatorConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointsTest {
  private static final CoordinatorConfig.KafkaSecurity AUTO =
      new CoordinatorConfig.KafkaSecurity("auto", "", "");
  private static final Endpoints PORTS = new Endpoints(8080, 7443, 9092, 9093);

  @ParameterizedTest
  @CsvSource({
    // devices dial, Kafka listens, is advertised as
    "127.0.0.1, 127.0.0.1, ''",
    "localhost, 127.0.0.1, ''",
    "::1,       127.0.0.1, ''",
    "0.0.0.0,   0.0.0.0,   hall.example",
    "10.0.0.5,  10.0.0.5,  ''",
  })
  void where_telemetry_can_come_from_nothing_is_said(String grpc, String kafka, String advertised) {
    assertThat(PORTS.unreachableTelemetry(embedded(grpc, kafka, advertised))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          0.0.0.0   | 127.0.0.1 | ''           | is told to them as 127.0.0.1:9092, which is each device itself
          0.0.0.0   | 0.0.0.0   | ''           | is told to them as 127.0.0.1:9092, which is each device itself
          10.0.0.5  | 0.0.0.0   | localhost    | is told to them as localhost:9092
          0.0.0.0   | 127.0.0.1 | hall.example | listens on 127.0.0.1 only
          """)
  void devices_elsewhere_without_a_way_to_kafka_are_one_line(
      String grpc, String kafka, String advertised, String message) {
    assertThat(PORTS.unreachableTelemetry(embedded(grpc, kafka, advertised)))
        .hasValueSatisfying(
            line ->
                assertThat(line)
                    .startsWith("warning: devices elsewhere may dial " + grpc + ":7443")
                    .contains(message, "kafka.advertisedHost")
                    .doesNotContain("\n"));
  }

  @Test
  void one_server_of_a_cluster_that_can_be_reached_is_enough() {
    assertThat(PORTS.unreachableTelemetry(external("localhost:9092,k2.example:9092"))).isEmpty();
    assertThat(PORTS.unreachableTelemetry(external("localhost:9092, [::1]:9092")))
        .hasValueSatisfying(line -> assertThat(line).contains("[::1]:9092"));
  }

  @Test
  void telemetry_that_any_neighbour_could_write_is_one_line() {
    CoordinatorConfig.KafkaSecurity open = new CoordinatorConfig.KafkaSecurity("plaintext", "", "");
    assertThat(
            PORTS.openTelemetry(
                config(
                    "0.0.0.0", new CoordinatorConfig.Kafka(true, "10.0.0.5", 9092, "", "", open))))
        .hasValueSatisfying(
            line -> assertThat(line).contains("10.0.0.5:9092", "kafka.security.devices"));
    assertThat(
            PORTS.openTelemetry(
                config(
                    "0.0.0.0", new CoordinatorConfig.Kafka(true, "127.0.0.1", 9092, "", "", open))))
        .isEmpty();
    assertThat(PORTS.openTelemetry(embedded("0.0.0.0", "10.0.0.5", ""))).isEmpty();
    assertThat(embedded("0.0.0.0", "10.0.0.5", "").kafka().devicesUseTls()).isTrue();
    assertThat(embedded("0.0.0.0", "127.0.0.1", "").kafka().devicesUseTls()).isFalse();
    assertThat(external("k:9092").kafka().devicesUseTls()).isFalse();
  }

  private static CoordinatorConfig embedded(String grpc, String kafka, String advertised) {
    return config(grpc, new CoordinatorConfig.Kafka(true, kafka, 9092, advertised, "", AUTO));
  }

  private static CoordinatorConfig external(String bootstrap) {
    return config(
        "0.0.0.0", new CoordinatorConfig.Kafka(false, "127.0.0.1", 0, "", bootstrap, AUTO));
  }

  private static CoordinatorConfig config(String grpc, CoordinatorConfig.Kafka kafka) {
    CoordinatorConfig usual = CoordinatorConfig.DEFAULT;
    return new CoordinatorConfig(
        usual.http(),
        new CoordinatorConfig.Grpc(grpc, 7443, List.of(), 5),
        kafka,
        usual.database(),
        usual.lab(),
        usual.rollout(),
        "");
  }
}
