package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.testing.TestAuthority;
import io.stillhouse.agent.testing.TestBundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityStoreTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @Test
  void a_device_without_an_identity_has_none() throws IOException {
    assertThat(store().load()).isEmpty();
  }

  @Test
  void what_was_saved_is_loaded_and_only_this_user_may_read_it() throws IOException {
    TestAuthority authority = new TestAuthority();
    KeyPair keys = TestAuthority.newKeys();
    Identity identity =
        new Identity(
            new Identity.Place(new Address("127.0.0.1", 7443), "press-7", "x86_64-base-t1"),
            keys.getPrivate(),
            authority.device(keys.getPublic(), "press-7"),
            authority.certificate(),
            List.of(TestBundle.KEYS.getPublic()));
    store().save(identity);
    assertThat(store().load()).contains(identity);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
        .isEqualTo("rw-------");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "{}", "[]", "{\"coordinator\":\"a:1\",\"key\":\"AAAA\"}"})
  void a_damaged_file_is_named(String content) throws IOException {
    Files.createDirectories(file().getParent());
    Files.writeString(file(), content);
    assertThatThrownBy(() -> store().load())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file().toString());
  }

  private Path file() {
    return folder.resolve("identity").resolve("identity.json");
  }

  private IdentityStore store() {
    return new IdentityStore(new RealDisk(), folder.resolve("identity"));
  }
}
