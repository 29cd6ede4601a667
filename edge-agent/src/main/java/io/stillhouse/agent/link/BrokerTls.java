package io.stillhouse.agent.link;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * Who this device is towards Kafka's brokers, and whom it believes there. Equal to another one when
 * it shows and believes the same, so that a connection need not be made anew.
 *
 * @param authoritiesPem certificates of the authorities that sign for the brokers; empty: the
 *     fleet's own, whose dates are not looked at, as on the way to the coordinator
 */
public record BrokerTls(Identity identity, String authoritiesPem) {
  /**
   * Keys and trust as the platform's TLS wants them.
   *
   * @throws GeneralSecurityException when the authorities cannot be read or the key not be used
   */
  public SSLContext context() throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys().getKeyManagers(), trust(), null);
    return context;
  }

  private KeyManagerFactory keys() throws GeneralSecurityException {
    // Guards a copy in memory that nobody else sees.
    char[] password = new char[0];
    KeyStore store = empty();
    store.setKeyEntry(
        "device", identity.key(), password, new Certificate[] {identity.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    return keys;
  }

  private TrustManager[] trust() throws GeneralSecurityException {
    if (authoritiesPem.isBlank()) {
      return new TrustManager[] {PinnedAuthority.of(identity.authority())};
    }
    KeyStore store = empty();
    int number = 0;
    for (Certificate authority :
        CertificateFactory.getInstance("X.509")
            .generateCertificates(
                new ByteArrayInputStream(authoritiesPem.getBytes(StandardCharsets.US_ASCII)))) {
      store.setCertificateEntry("authority-" + ++number, authority);
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    return trust.getTrustManagers();
  }

  private static KeyStore empty() throws GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try {
      store.load(null, null);
    } catch (IOException e) {
      throw new AssertionError("nothing is read", e);
    }
    return store;
  }
}
