package io.stillhouse.server.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PkiTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @Test
  void keys_are_made_once_and_read_ever_after() throws Exception {
    Pki first = open();
    Pki second = open();
    assertThat(second.authority().certificate()).isEqualTo(first.authority().certificate());
    assertThat(second.artifactKey().keyId()).isEqualTo(first.artifactKey().keyId()).hasSize(16);
    assertThat(second.caDigest()).isEqualTo(first.caDigest());
    byte[] manifest = "manifest".getBytes(StandardCharsets.UTF_8);
    byte[] signature = first.artifactKey().sign(manifest);
    assertThat(signature).hasSize(64);
    assertThat(second.artifactKey().verifies(manifest, signature)).isTrue();
    signature[3] ^= 1;
    assertThat(second.artifactKey().verifies(manifest, signature)).isFalse();
  }

  @Test
  void only_the_owner_can_read_the_keys() throws Exception {
    open();
    Path pki = directory.resolve("pki");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(pki)))
        .isEqualTo("rwx------");
    try (var files = Files.list(pki)) {
      assertThat(files.toList())
          .hasSize(4)
          .allSatisfy(
              f ->
                  assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(f)))
                      .isEqualTo("rw-------"));
    }
  }

  @Test
  void a_start_that_was_cut_leaves_nothing_that_matters() throws Exception {
    Path leftover = Files.createDirectory(directory.resolve("pki.partial-123"));
    Files.writeString(leftover.resolve("ca.key"), "half a k");
    open();
    assertThat(leftover).doesNotExist();
  }

  @Test
  void a_damaged_key_is_one_line_and_never_replaced() throws Exception {
    open();
    Path key = directory.resolve("pki").resolve("ca.key");
    Files.writeString(key, "-----BEGIN PRIVATE KEY-----\n!!\n");
    assertThatThrownBy(this::open)
        .hasMessageStartingWith("cannot open the key directory")
        .hasMessageNotContaining("\n");
    assertThat(Files.readString(key)).contains("!!");
  }

  @Test
  void the_server_certificate_names_the_hosts() throws Exception {
    Pki pki =
        Pki.open(
            directory.resolve("pki"),
            List.of("edge.example", "10.0.0.7"),
            () -> Instant.parse("2026-06-01T00:00:00Z"),
            new SecureRandom());
    X509Certificate certificate = pki.server().certificate();
    certificate.verify(pki.authority().certificate().getPublicKey());
    assertThat(certificate.getSubjectAlternativeNames())
        .extracting(name -> name.get(1))
        .map(Object::toString)
        .containsExactly("localhost", "127.0.0.1", "edge.example", "10.0.0.7");
  }

  @Test
  void a_device_gets_the_subject_that_the_coordinator_chose() throws Exception {
    Pki pki = open();
    KeyPair keys = keys("secp256r1");
    var proven = pki.authority().provenKey(csr(keys, keys));
    X509Certificate certificate = pki.authority().signDevice(proven, "press-7");
    assertThat(certificate.getSubjectX500Principal().getName()).isEqualTo("CN=press-7");
    assertThat(certificate.getPublicKey()).isEqualTo(keys.getPublic());
    assertThatThrownBy(() -> pki.authority().signDevice(proven, "x,CN=admin"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_request_that_proves_nothing_is_refused() throws Exception {
    Pki pki = open();
    KeyPair keys = keys("secp256r1");
    assertThatThrownBy(() -> pki.authority().provenKey(csr(keys, keys("secp256r1"))))
        .isInstanceOf(GeneralSecurityException.class)
        .hasMessageContaining("does not verify");
    KeyPair large = keys("secp384r1");
    assertThatThrownBy(() -> pki.authority().provenKey(csr(large, large)))
        .hasMessageContaining("not EC P-256");
    assertThatThrownBy(() -> pki.authority().provenKey(new byte[] {0x30, 1, 2}))
        .isInstanceOf(GeneralSecurityException.class);
    assertThatThrownBy(() -> pki.authority().provenKey(new byte[5_000]))
        .hasMessageContaining("5000 bytes");
  }

  @Test
  void hostile_requests_never_escape_as_another_exception() throws Exception {
    Pki pki = open();
    KeyPair keys = keys("secp256r1");
    byte[] good = csr(keys, keys);
    java.util.Random random = new java.util.Random(11);
    for (int i = 0; i < 2_000; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        // A re-encoding may pass, but it never proves another key.
        assertThat(pki.authority().provenKey(bad))
            .as("seed 11, case " + i)
            .isEqualTo(keys.getPublic());
      } catch (GeneralSecurityException expected) {
        assertThat(expected).isNotNull();
      }
    }
  }

  private Pki open() {
    return Pki.open(
        directory.resolve("pki"),
        List.of(),
        () -> Instant.parse("2026-01-01T00:00:00Z"),
        new SecureRandom());
  }

  private static KeyPair keys(String curve) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  private static byte[] csr(KeyPair subject, KeyPair signer) throws Exception {
    return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=whoever"), subject.getPublic())
        .build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.getPrivate()))
        .getEncoded();
  }
}
