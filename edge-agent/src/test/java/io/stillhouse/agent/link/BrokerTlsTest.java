package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.testing.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BrokerTlsTest {
  private static final String ADDRESS = "127.0.0.1";

  private final TestAuthority fleet = new TestAuthority();
  private final TestAuthority cluster = new TestAuthority();
  private final Identity identity = identity();

  @Test
  void the_fleets_broker_is_believed_whatever_the_date_and_sees_the_devices_certificate()
      throws Exception {
    assertThat(seenBy(fleet.lapsedServer(ADDRESS), fleet, new BrokerTls(identity, "")))
        .isEqualTo(identity.certificate());
  }

  @Test
  void another_authoritys_broker_is_believed_only_when_that_authority_is_named() throws Exception {
    TestAuthority.Leaf broker = cluster.server(ADDRESS);
    assertThatThrownBy(() -> seenBy(broker, cluster, new BrokerTls(identity, "")))
        .isInstanceOf(SSLException.class)
        .hasMessageContaining("authority");
    String both = pem(fleet.certificate()) + pem(cluster.certificate());
    assertThat(seenBy(broker, cluster, new BrokerTls(identity, both)))
        .isEqualTo(identity.certificate());
    assertThatThrownBy(
            () -> seenBy(broker, cluster, new BrokerTls(identity, pem(fleet.certificate()))))
        .isInstanceOf(SSLException.class);
  }

  @Test
  void authorities_that_are_none_are_an_error() {
    assertThatThrownBy(() -> new BrokerTls(identity, "no certificate").context())
        .isInstanceOf(GeneralSecurityException.class);
  }

  @Test
  void what_shows_and_believes_the_same_is_equal_and_a_renewal_is_not() {
    assertThat(new BrokerTls(identity, "")).isEqualTo(new BrokerTls(identity, ""));
    Identity renewed =
        new Identity(
            identity.place(),
            identity.key(),
            fleet.renewed(identity.certificate()),
            identity.authority(),
            identity.artifactKeys());
    assertThat(new BrokerTls(renewed, "")).isNotEqualTo(new BrokerTls(identity, ""));
  }

  /** Connects to a broker that asks for a certificate of the fleet; returns the one it saw. */
  private X509Certificate seenBy(TestAuthority.Leaf broker, TestAuthority signer, BrokerTls tls)
      throws Exception {
    try (SSLServerSocket server =
        (SSLServerSocket)
            context(broker, signer)
                .getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      server.setNeedClientAuth(true);
      CompletableFuture<X509Certificate> seen = CompletableFuture.supplyAsync(() -> accept(server));
      try (SSLSocket client =
          (SSLSocket)
              tls.context().getSocketFactory().createSocket(ADDRESS, server.getLocalPort())) {
        client.startHandshake();
        client.getInputStream().read();
      }
      return seen.get();
    }
  }

  private static X509Certificate accept(SSLServerSocket server) {
    try (SSLSocket socket = (SSLSocket) server.accept()) {
      socket.startHandshake();
      socket.getOutputStream().write(1);
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private SSLContext context(TestAuthority.Leaf broker, TestAuthority signer) throws Exception {
    char[] password = new char[0];
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "broker",
        broker.key(),
        password,
        new Certificate[] {broker.certificate(), signer.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    KeyStore believed = KeyStore.getInstance("PKCS12");
    believed.load(null, null);
    believed.setCertificateEntry("fleet", fleet.certificate());
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(believed);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private Identity identity() {
    KeyPair keys = TestAuthority.newKeys();
    return new Identity(
        new Identity.Place(new Address(ADDRESS, 1), "press-7", "class-1"),
        keys.getPrivate(),
        fleet.device(keys.getPublic(), "press-7"),
        fleet.certificate(),
        List.of());
  }

  private static String pem(X509Certificate certificate) throws GeneralSecurityException {
    return "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
        .formatted(Base64.getMimeEncoder().encodeToString(certificate.getEncoded()));
  }
}
