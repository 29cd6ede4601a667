package io.stillhouse.server.testing;

import java.security.PrivateKey;
import java.util.Base64;
import java.util.Map;

/** How a device of a test comes to Kafka: with a key and a certificate, as texts. */
public final class DeviceKafka {
  private DeviceKafka() {}

  /**
   * Settings of a Kafka client.
   *
   * @param authorityPem of the brokers that it believes
   */
  public static Map<String, String> security(
      PrivateKey key, byte[] certificateDer, String authorityPem) {
    return Map.of(
        "security.protocol",
        "SSL",
        "ssl.keystore.type",
        "PEM",
        "ssl.keystore.key",
        pem("PRIVATE KEY", key.getEncoded()),
        "ssl.keystore.certificate.chain",
        pem("CERTIFICATE", certificateDer),
        "ssl.truststore.type",
        "PEM",
        "ssl.truststore.certificates",
        authorityPem);
  }

  private static String pem(String label, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(label, Base64.getEncoder().encodeToString(der), label);
  }
}
