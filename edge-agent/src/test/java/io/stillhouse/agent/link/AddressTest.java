package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {
  @Test
  void a_host_and_its_port_are_told_apart() {
    assertThat(Address.parse("edge.example.org:7443"))
        .isEqualTo(new Address("edge.example.org", 7443));
    assertThat(Address.parse("10.0.0.7:1")).isEqualTo(new Address("10.0.0.7", 1));
    assertThat(Address.parse("[::1]:65535")).isEqualTo(new Address("[::1]", 65535));
    assertThat(Address.parse("a:7").toString()).isEqualTo("a:7");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "host",
        "host:",
        ":7443",
        "host:0",
        "host:65536",
        "host:x",
        "a b:1",
        "https://host:7443",
        "::1:7443",
        "host:7443/x"
      })
  void what_is_no_address_is_refused_with_what_was_expected(String text) {
    assertThatThrownBy(() -> Address.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected");
  }
}
