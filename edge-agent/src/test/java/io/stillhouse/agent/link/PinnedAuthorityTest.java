package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.testing.TestAuthority;
import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.Test;

class PinnedAuthorityTest {
  private static final String ADDRESS = "127.0.0.1";

  private final TestAuthority ours = new TestAuthority();
  private final TestAuthority other = new TestAuthority();
  private final PinnedAuthority pinned = new PinnedAuthority(ours.sha256Hex());

  @Test
  void a_server_of_the_authority_is_believed_whatever_the_date() {
    assertThatCode(() -> check(ours.server(ADDRESS).certificate(), ours.certificate()))
        .doesNotThrowAnyException();
    assertThatCode(() -> check(ours.lapsedServer(ADDRESS).certificate(), ours.certificate()))
        .doesNotThrowAnyException();
  }

  @Test
  void another_authority_is_refused() {
    assertThatThrownBy(() -> check(other.server(ADDRESS).certificate(), other.certificate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining(ours.sha256Hex().substring(0, 12));
  }

  @Test
  void our_authority_behind_a_certificate_that_it_did_not_sign_is_refused() {
    assertThatThrownBy(() -> check(other.server(ADDRESS).certificate(), ours.certificate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("not signed");
  }

  @Test
  void a_device_does_not_pass_for_a_coordinator() {
    X509Certificate device = ours.device(TestAuthority.newKeys().getPublic(), "press-7");
    assertThatThrownBy(() -> check(device, ours.certificate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("not made for a server");
  }

  @Test
  void a_device_does_not_sign_for_a_coordinator_either() {
    KeyPair keys = TestAuthority.newKeys();
    TestAuthority.Leaf device =
        new TestAuthority.Leaf(keys.getPrivate(), ours.device(keys.getPublic(), "press-7"));
    assertThatThrownBy(
            () ->
                check(
                    ours.serverSignedBy(device, ADDRESS), device.certificate(), ours.certificate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("CN=press-7 signed the certificate and is no authority");
    TestAuthority.Leaf below = ours.authorityBelow();
    assertThatCode(
            () ->
                check(ours.serverSignedBy(below, ADDRESS), below.certificate(), ours.certificate()))
        .doesNotThrowAnyException();
  }

  private void check(X509Certificate... chain) throws CertificateException {
    pinned.checkServerTrusted(chain, "ECDHE_ECDSA");
  }
}
