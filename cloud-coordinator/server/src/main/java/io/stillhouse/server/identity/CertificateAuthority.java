package io.stillhouse.server.identity;

import io.stillhouse.model.Digest;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/**
 * The fleet's own certificate authority: EC P-256, one level deep. A signing request proves that
 * its sender holds the key and nothing else: the subject always comes from the coordinator.
 * Thread-safe.
 */
public final class CertificateAuthority {
  /** Tolerated lag of an agent's clock behind the coordinator's. */
  private static final Duration CLOCK_SKEW = Duration.ofDays(1);

  private static final Duration AUTHORITY_LIFE = Duration.ofDays(3650);
  private static final Duration SERVER_LIFE = Duration.ofDays(730);

  /**
   * A device that stays offline longer than this has to enrol again. Revocation does not wait for
   * expiry: the coordinator checks the device's row on each session.
   */
  private static final Duration DEVICE_LIFE = Duration.ofDays(825);

  /** A device's certificate is renewed in the last third of its life: nine months are left then. */
  private static final int LIFE_PARTS = 3;

  private static final int SERIAL_BITS = 127;
  private static final int REQUEST_BYTES_MAX = 4_096;
  private static final int P256_BITS = 256;
  private static final String SIGNATURE = "SHA256withECDSA";
  private static final X500Name AUTHORITY_NAME = new X500Name("CN=Stillhouse fleet CA");

  private final PrivateKey key;
  private final X509Certificate certificate;
  private final InstantSource clock;
  private final SecureRandom random;

  CertificateAuthority(
      PrivateKey key, X509Certificate certificate, InstantSource clock, SecureRandom random) {
    this.key = key;
    this.certificate = certificate;
    this.clock = clock;
    this.random = random;
  }

  public X509Certificate certificate() {
    return certificate;
  }

  Digest digest() {
    try {
      return Digest.of(certificate.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a certificate that was read cannot be encoded", e);
    }
  }

  /**
   * Reads a PKCS#10 request and checks that its sender holds the key.
   *
   * @throws GeneralSecurityException when it is malformed, too large, not EC P-256, or its
   *     signature does not verify
   */
  public PublicKey provenKey(byte[] csrDer) throws GeneralSecurityException {
    if (csrDer.length > REQUEST_BYTES_MAX) {
      throw new GeneralSecurityException(
          "signing request: %d bytes (expected: at most %d)"
              .formatted(csrDer.length, REQUEST_BYTES_MAX));
    }
    try {
      JcaPKCS10CertificationRequest request = new JcaPKCS10CertificationRequest(csrDer);
      PublicKey publicKey = request.getPublicKey();
      if (!(publicKey instanceof ECPublicKey ec)
          || ec.getParams().getCurve().getField().getFieldSize() != P256_BITS) {
        throw new GeneralSecurityException("signing request: the key is not EC P-256");
      }
      if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(publicKey))) {
        throw new GeneralSecurityException("signing request: the signature does not verify");
      }
      return publicKey;
    } catch (IOException | OperatorCreationException | PKCSException | RuntimeException e) {
      // The parser meets hostile bytes with a variety of unchecked exceptions.
      throw new GeneralSecurityException("signing request: malformed", e);
    }
  }

  /**
   * A client certificate for a device.
   *
   * @param deviceId lower-case letters, digits and hyphens: safe inside a distinguished name
   */
  public X509Certificate signDevice(PublicKey publicKey, String deviceId)
      throws GeneralSecurityException {
    if (!deviceId.matches("[a-z0-9][a-z0-9-]{0,63}")) {
      throw new IllegalArgumentException(
          "deviceId: " + deviceId + " (expected: [a-z0-9][a-z0-9-]{0,63})");
    }
    GeneralNames names =
        new GeneralNames(
            new GeneralName(
                GeneralName.uniformResourceIdentifier, "urn:stillhouse:device:" + deviceId));
    return leaf(
        new X500Name("CN=" + deviceId),
        publicKey,
        DEVICE_LIFE,
        new LeafUse(names, List.of(KeyPurposeId.id_kp_clientAuth)));
  }

  /**
   * The next certificate of a device, for the same key and name, once the one that it holds is in
   * the last third of its life; empty before. Whoever asks has seen the device use the key (compare
   * RFC 7030, section 4.2.2).
   */
  public Optional<X509Certificate> renewal(X509Certificate held, String deviceId)
      throws GeneralSecurityException {
    Instant from = held.getNotBefore().toInstant();
    Instant until = held.getNotAfter().toInstant();
    Instant due = until.minus(Duration.between(from, until).dividedBy(LIFE_PARTS));
    return clock.instant().isBefore(due)
        ? Optional.empty()
        : Optional.of(signDevice(held.getPublicKey(), deviceId));
  }

  X509Certificate signServer(PublicKey publicKey, List<String> hosts)
      throws GeneralSecurityException {
    return leaf(
        new X500Name("CN=stillhouse-coordinator"),
        publicKey,
        SERVER_LIFE,
        new LeafUse(serverNames(hosts), List.of(KeyPurposeId.id_kp_serverAuth)));
  }

  /** For a broker, which also dials itself. Its subject is none that a device could have. */
  X509Certificate signBroker(PublicKey publicKey, List<String> hosts)
      throws GeneralSecurityException {
    return leaf(
        new X500Name("O=Stillhouse,CN=broker"),
        publicKey,
        SERVER_LIFE,
        new LeafUse(
            serverNames(hosts),
            List.of(KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth)));
  }

  private static GeneralNames serverNames(List<String> hosts) {
    return new GeneralNames(
        Stream.concat(Stream.of("localhost", "127.0.0.1"), hosts.stream())
            .distinct()
            .map(
                h -> new GeneralName(isAddress(h) ? GeneralName.iPAddress : GeneralName.dNSName, h))
            .toArray(GeneralName[]::new));
  }

  static X509Certificate selfSign(KeyPair keys, InstantSource clock, SecureRandom random)
      throws GeneralSecurityException {
    Instant now = clock.instant();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            AUTHORITY_NAME,
            new BigInteger(SERIAL_BITS, random),
            Date.from(now.minus(CLOCK_SKEW)),
            Date.from(now.plus(AUTHORITY_LIFE)),
            AUTHORITY_NAME,
            keys.getPublic());
    try {
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          new JcaX509ExtensionUtils().createSubjectKeyIdentifier(keys.getPublic()));
    } catch (IOException e) {
      throw new GeneralSecurityException("cannot encode the authority's extensions", e);
    }
    return signed(builder, keys.getPrivate());
  }

  private record LeafUse(GeneralNames names, List<KeyPurposeId> purposes) {}

  private X509Certificate leaf(X500Name subject, PublicKey publicKey, Duration life, LeafUse use)
      throws GeneralSecurityException {
    Instant now = clock.instant();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded()),
            new BigInteger(SERIAL_BITS, random),
            Date.from(now.minus(CLOCK_SKEW)),
            Date.from(now.plus(life)),
            subject,
            publicKey);
    JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
    try {
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage,
          false,
          new ExtendedKeyUsage(use.purposes().toArray(KeyPurposeId[]::new)));
      builder.addExtension(Extension.subjectAlternativeName, false, use.names());
      builder.addExtension(
          Extension.authorityKeyIdentifier,
          false,
          extensions.createAuthorityKeyIdentifier(certificate));
    } catch (IOException e) {
      throw new GeneralSecurityException("cannot encode a certificate's extensions", e);
    }
    return signed(builder, key);
  }

  private static X509Certificate signed(JcaX509v3CertificateBuilder builder, PrivateKey signer)
      throws GeneralSecurityException {
    try {
      return new JcaX509CertificateConverter()
          .getCertificate(builder.build(new JcaContentSignerBuilder(SIGNATURE).build(signer)));
    } catch (OperatorCreationException e) {
      throw new GeneralSecurityException("cannot sign a certificate", e);
    }
  }

  private static boolean isAddress(String host) {
    return host.matches("[0-9.]+") || host.contains(":");
  }
}
