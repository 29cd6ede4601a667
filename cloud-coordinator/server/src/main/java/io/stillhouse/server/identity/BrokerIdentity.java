package io.stillhouse.server.identity;

/**
 * Whom the embedded Kafka broker shows itself as, to devices and to itself, in the textual form
 * that Kafka takes.
 *
 * @param keyPem PKCS#8
 * @param chainPem its certificate, then the authority's: agents look for that one at the end
 * @param authorityPem whose certificates it takes
 * @param name the certificate's subject as RFC 2253 writes it; no device's can be the same
 */
public record BrokerIdentity(String keyPem, String chainPem, String authorityPem, String name) {
  /** Says nothing of the key. */
  @Override
  public String toString() {
    return "BrokerIdentity[" + name + "]";
  }
}
