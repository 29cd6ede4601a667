package io.stillhouse.server.identity;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;

/** A file of certificates of authorities, one PEM text behind the other. */
public final class TrustFile {
  /** Devices are told all of it whenever they connect. */
  static final long FILE_BYTES_MAX = 64 << 10;

  private TrustFile() {}

  /**
   * Reads the certificates, and leaves out what authorities' bundles say between them in any
   * encoding.
   *
   * @param key of the configuration that named the file, for messages
   * @return PEM, one certificate or more
   */
  public static String read(String key, Path file) {
    try {
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw refused(key, file, "larger than " + FILE_BYTES_MAX + " bytes");
      }
      StringBuilder pem = new StringBuilder();
      for (Certificate each :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))) {
        pem.append(Pem.write(Pem.CERTIFICATE, each.getEncoded()));
      }
      if (pem.isEmpty()) {
        throw refused(key, file, "it holds no certificate");
      }
      return pem.toString();
    } catch (NoSuchFileException e) {
      throw refused(key, file, "no such file");
    } catch (IOException | CertificateException e) {
      throw refused(key, file, String.valueOf(e.getMessage()));
    }
  }

  private static CoordinatorException refused(String key, Path file, String why) {
    return new CoordinatorException(
        ErrorCategory.INVALID,
        "cannot use " + key + " " + file,
        why,
        "give it the PEM certificates of the authorities that sign for your brokers");
  }
}
