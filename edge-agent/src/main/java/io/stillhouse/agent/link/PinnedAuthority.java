package io.stillhouse.agent.link;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.X509TrustManager;

/**
 * Believes a server whose certificate was made for servers and signed by one authority, which is
 * known by the SHA-256 of its certificate. Dates are not looked at: a board without a battery wakes
 * in 1970, and must reach its coordinator to learn the time. The platform checks the host name.
 */
final class PinnedAuthority implements X509TrustManager {
  private static final String FOR_SERVERS = "1.3.6.1.5.5.7.3.1";

  private final String sha256Hex;

  PinnedAuthority(String sha256Hex) {
    this.sha256Hex = sha256Hex;
  }

  static PinnedAuthority of(X509Certificate authority) throws CertificateException {
    return new PinnedAuthority(sha256(authority));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    X509Certificate root = chain[chain.length - 1];
    if (!sha256(root).equals(sha256Hex)) {
      throw new CertificateException(
          "the server's authority is %.12s (expected: %.12s, as the token or the enrolment says)"
              .formatted(sha256(root), sha256Hex));
    }
    List<String> purposes = chain[0].getExtendedKeyUsage();
    // Devices have certificates of the same authority, and must not pass for a coordinator.
    if (purposes == null || !purposes.contains(FOR_SERVERS)) {
      throw new CertificateException("the certificate was not made for a server");
    }
    try {
      for (int i = 0; i < chain.length; i++) {
        // A device may hold a key of ours and still sign nobody: RFC 5280, section 4.2.1.9.
        if (i > 0 && chain[i].getBasicConstraints() < i - 1) {
          throw new CertificateException(
              "%s signed the certificate and is no authority"
                  .formatted(chain[i].getSubjectX500Principal().getName()));
        }
        chain[i].verify(chain[Math.min(i + 1, chain.length - 1)].getPublicKey());
      }
    } catch (CertificateException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw new CertificateException("the server's certificate is not signed as it says", e);
    }
  }

  static String sha256(X509Certificate certificate) throws CertificateException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (CertificateException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw new CertificateException("an agent has no clients");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
