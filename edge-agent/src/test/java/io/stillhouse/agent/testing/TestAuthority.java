package io.stillhouse.agent.testing;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A certificate authority that was made a moment ago, and what it signs. */
public final class TestAuthority {
  private static final X500Name NAME = new X500Name("CN=test authority");
  private static final Instant FROM = Instant.parse("2020-01-01T00:00:00Z");

  /** Longer ago than any test runs, as on a board that woke up with a wrong clock. */
  private static final Instant LAPSED = Instant.parse("2021-01-01T00:00:00Z");

  private static final Instant UNTIL = Instant.parse("2200-01-01T00:00:00Z");

  private final KeyPair keys = newKeys();
  private final X509Certificate certificate;
  private long serial;

  /** A certificate with its key. */
  public record Leaf(PrivateKey key, X509Certificate certificate) {}

  public TestAuthority() {
    this.certificate = sign(NAME, keys.getPublic(), UNTIL, true, null, "");
  }

  public X509Certificate certificate() {
    return certificate;
  }

  public String sha256Hex() {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  public Leaf server(String address) {
    return server(address, UNTIL);
  }

  public Leaf lapsedServer(String address) {
    return server(address, LAPSED);
  }

  private Leaf server(String address, Instant until) {
    KeyPair leaf = newKeys();
    return new Leaf(
        leaf.getPrivate(),
        sign(
            new X500Name("CN=server"),
            leaf.getPublic(),
            until,
            false,
            KeyPurposeId.id_kp_serverAuth,
            address));
  }

  public X509Certificate device(PublicKey key, String name) {
    return device(key, name, UNTIL);
  }

  public X509Certificate device(PublicKey key, String name, Instant until) {
    return sign(new X500Name("CN=" + name), key, until, false, KeyPurposeId.id_kp_clientAuth, "");
  }

  /** A certificate of the same key and name that lasts longer by a year. */
  public X509Certificate renewed(X509Certificate held) {
    return device(
        held.getPublicKey(),
        held.getSubjectX500Principal().getName().substring("CN=".length()),
        held.getNotAfter().toInstant().plus(Duration.ofDays(365)));
  }

  public static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * A certificate for a server that the key of another certificate signed, whether that is an
   * authority or not.
   */
  public X509Certificate serverSignedBy(Leaf issuer, String address) {
    return sign(
        new Issuer(
            new X500Name(issuer.certificate().getSubjectX500Principal().getName()), issuer.key()),
        new X500Name("CN=server"),
        newKeys().getPublic(),
        UNTIL,
        false,
        KeyPurposeId.id_kp_serverAuth,
        address);
  }

  /** Another authority, which this one signed. */
  public Leaf authorityBelow() {
    KeyPair leaf = newKeys();
    return new Leaf(
        leaf.getPrivate(), sign(new X500Name("CN=below"), leaf.getPublic(), UNTIL, true, null, ""));
  }

  private record Issuer(X500Name name, PrivateKey key) {}

  private X509Certificate sign(
      X500Name subject,
      PublicKey key,
      Instant until,
      boolean authority,
      @org.jspecify.annotations.Nullable KeyPurposeId purpose,
      String address) {
    return sign(
        new Issuer(NAME, keys.getPrivate()), subject, key, until, authority, purpose, address);
  }

  private X509Certificate sign(
      Issuer issuer,
      X500Name subject,
      PublicKey key,
      Instant until,
      boolean authority,
      @org.jspecify.annotations.Nullable KeyPurposeId purpose,
      String address) {
    try {
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              issuer.name(),
              BigInteger.valueOf(++serial),
              Date.from(FROM),
              Date.from(until),
              subject,
              key);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      if (purpose != null) {
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
      }
      if (!address.isEmpty()) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName(GeneralName.iPAddress, address)));
      }
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(issuer.key())));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
