package io.stillhouse.server.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.server.failure.CoordinatorException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrustFileTest {
  @TempDir Path directory = Path.of("");

  @Test
  void several_certificates_are_taken_without_what_stands_between() throws Exception {
    String one = authority("one");
    String two = authority("two");
    assertThat(read(one + two)).isEqualTo(one + two);
    assertThat(read("# Autorität Zürich\n" + one + "# Zoë\n" + two)).isEqualTo(one + two);
    byte[] latin = ("# Autorität\n" + one).getBytes(StandardCharsets.ISO_8859_1);
    assertThat(TrustFile.read("some.key", Files.write(directory.resolve("latin.pem"), latin)))
        .isEqualTo(one);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no certificate\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n",
      })
  void what_holds_none_is_one_line(String text) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("trust.pem")
        .hasMessageContaining("some.key");
  }

  @Test
  void a_file_that_is_missing_or_would_burden_every_welcome_is_one_line() {
    assertThatThrownBy(() -> TrustFile.read("some.key", directory.resolve("none.pem")))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> read("#".repeat((int) TrustFile.FILE_BYTES_MAX + 1)))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("larger than");
  }

  private String read(String text) throws Exception {
    return TrustFile.read("some.key", Files.writeString(directory.resolve("trust.pem"), text));
  }

  private String authority(String name) {
    return Pki.open(directory.resolve(name), List.of(), InstantSource.system(), new SecureRandom())
        .broker(List.of())
        .authorityPem();
  }
}
