package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.testing.RefusingDisk;
import io.stillhouse.agent.testing.TestAuthority;
import io.stillhouse.agent.testing.TestBundle;
import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdentityKeeperTest {
  private static final Instant UNTIL = Instant.parse("2030-01-01T00:00:00Z");

  private final TestAuthority authority = new TestAuthority();
  private final KeyPair keys = TestAuthority.newKeys();
  private final X509Certificate held = authority.device(keys.getPublic(), "press-7", UNTIL);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @SuppressWarnings("NullAway.Init")
  private IdentityStore store;

  @SuppressWarnings("NullAway.Init")
  private IdentityKeeper keeper;

  @BeforeEach
  void enrol() throws IOException {
    store = store(new RealDisk());
    Identity identity =
        new Identity(
            new Identity.Place(new Address("127.0.0.1", 7443), "press-7", "x86_64-base-t1"),
            keys.getPrivate(),
            held,
            authority.certificate(),
            List.of(TestBundle.KEYS.getPublic()));
    store.save(identity);
    keeper = new IdentityKeeper(store, identity);
  }

  private IdentityStore store(Disk disk) {
    return new IdentityStore(disk, folder.resolve("identity"));
  }

  @Test
  void a_renewal_replaces_the_certificate_and_nothing_else() throws Exception {
    Identity before = keeper.identity();
    X509Certificate next = authority.renewed(held);
    keeper.offered(next.getEncoded());
    assertThat(keeper.identity())
        .isEqualTo(
            new Identity(
                before.place(), before.key(), next, before.authority(), before.artifactKeys()));
    assertThat(store.load()).contains(keeper.identity());
  }

  @Test
  void what_is_no_renewal_changes_nothing() throws Exception {
    TestAuthority stranger = new TestAuthority();
    Instant later = UNTIL.plusSeconds(1);
    ignored(TestAuthority.newKeys(), authority, "press-7", later);
    ignored(keys, stranger, "press-7", later);
    ignored(keys, authority, "press-8", later);
    ignored(keys, authority, "press-7", UNTIL);
    byte[] good = authority.renewed(held).getEncoded();
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      keeper.offered(bad);
      assertThat(keeper.identity().certificate()).as("seed 3, case %d", i).isEqualTo(held);
    }
    keeper.offered(new byte[0]);
    keeper.offered(new byte[20_000]);
    assertThat(store.load().orElseThrow().certificate()).isEqualTo(held);
  }

  private void ignored(KeyPair of, TestAuthority by, String name, Instant until) throws Exception {
    keeper.offered(by.device(of.getPublic(), name, until).getEncoded());
    assertThat(keeper.identity().certificate()).isEqualTo(held);
  }

  @Test
  void a_disk_that_refuses_anywhere_leaves_one_whole_identity() throws Exception {
    Identity before = keeper.identity();
    X509Certificate next = authority.renewed(held);
    boolean refused = true;
    for (int changes = 0; refused; changes++) {
      store.save(before);
      RefusingDisk disk = new RefusingDisk(new RealDisk(), changes);
      IdentityKeeper kept = new IdentityKeeper(store(disk), before);
      kept.offered(next.getEncoded());
      refused = disk.refused();
      assertThat(kept.identity().certificate()).as("%d changes", changes).isIn(held, next);
      assertThat(store.load().orElseThrow().certificate())
          .as("%d changes", changes)
          .isIn(kept.identity().certificate(), next);
      assertThat(kept.identity().certificate().equals(held)).isEqualTo(refused);
    }
  }
}
