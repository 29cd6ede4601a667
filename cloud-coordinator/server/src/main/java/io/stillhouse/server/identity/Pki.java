package io.stillhouse.server.identity;

import io.stillhouse.model.Digest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The coordinator's keys: the fleet's certificate authority, this process's server key, and the
 * artifact signing key. Made at the first start in the {@code pki} directory and read from it ever
 * after; replicas that share the directory share the identity. Immutable and thread-safe.
 *
 * <p>The server's own key and certificate are not kept: agents pin the authority, so a fresh leaf
 * at each start follows the configured host names, never lies expired on disk, and is one secret
 * less.
 */
public final class Pki {
  private static final String CA_KEY = "ca.key";
  private static final String CA_CERTIFICATE = "ca.crt";
  private static final String ARTIFACT_KEY = "artifact.key";
  private static final String ARTIFACT_PUBLIC_KEY = "artifact.pub";

  private final CertificateAuthority authority;
  private final ServerIdentity server;
  private final ArtifactKey artifactKey;
  private final SecureRandom random;

  private Pki(
      CertificateAuthority authority,
      ServerIdentity server,
      ArtifactKey artifactKey,
      SecureRandom random) {
    this.authority = authority;
    this.server = server;
    this.artifactKey = artifactKey;
    this.random = random;
  }

  /** The key and certificate that the gRPC port shows. */
  public record ServerIdentity(PrivateKey key, X509Certificate certificate) {}

  /**
   * Reads the keys, or makes them when the directory does not exist yet.
   *
   * @param hosts names and addresses under which agents dial this coordinator; {@code localhost}
   *     and {@code 127.0.0.1} are always added
   * @throws CoordinatorException when the directory cannot be read or written
   */
  public static Pki open(
      Path directory, List<String> hosts, InstantSource clock, SecureRandom random) {
    PkiDirectory files = new PkiDirectory(directory);
    try {
      if (!files.exists()) {
        files.create(fresh(clock, random));
      }
      X509Certificate caCertificate =
          Pem.certificate(Pem.read(Pem.CERTIFICATE, files.read(CA_CERTIFICATE)));
      PrivateKey caKey = Pem.privateKey("EC", Pem.read(Pem.PRIVATE_KEY, files.read(CA_KEY)));
      CertificateAuthority authority =
          new CertificateAuthority(caKey, caCertificate, clock, random);
      ArtifactKey artifactKey =
          new ArtifactKey(
              Pem.privateKey("Ed25519", Pem.read(Pem.PRIVATE_KEY, files.read(ARTIFACT_KEY))),
              Pem.publicKey("Ed25519", Pem.read(Pem.PUBLIC_KEY, files.read(ARTIFACT_PUBLIC_KEY))));
      KeyPair serverKeys = ecKeys(random);
      ServerIdentity server =
          new ServerIdentity(
              serverKeys.getPrivate(), authority.signServer(serverKeys.getPublic(), hosts));
      return new Pki(authority, server, artifactKey, random);
    } catch (IOException | GeneralSecurityException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot open the key directory " + directory,
          String.valueOf(e.getMessage()),
          "make it readable and writable for this user, or restore it from a backup;"
              + " a new one means enrolling every device again",
          e);
    }
  }

  public CertificateAuthority authority() {
    return authority;
  }

  public ServerIdentity server() {
    return server;
  }

  public ArtifactKey artifactKey() {
    return artifactKey;
  }

  /**
   * A fresh key and certificate for the embedded broker.
   *
   * @param hosts names and addresses by which it is dialled, besides {@code localhost} and {@code
   *     127.0.0.1}
   */
  public BrokerIdentity broker(List<String> hosts) {
    try {
      KeyPair keys = ecKeys(random);
      X509Certificate certificate = authority.signBroker(keys.getPublic(), hosts);
      String authorityPem = Pem.write(Pem.CERTIFICATE, authority.certificate().getEncoded());
      return new BrokerIdentity(
          Pem.write(Pem.PRIVATE_KEY, keys.getPrivate().getEncoded()),
          Pem.write(Pem.CERTIFICATE, certificate.getEncoded()) + authorityPem,
          authorityPem,
          certificate.getSubjectX500Principal().getName());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("an open authority cannot sign for the broker", e);
    }
  }

  /** SHA-256 of the authority's certificate: what a token carries and an agent pins. */
  public Digest caDigest() {
    return authority.digest();
  }

  private static Map<String, String> fresh(InstantSource clock, SecureRandom random)
      throws GeneralSecurityException {
    KeyPair ca = ecKeys(random);
    X509Certificate certificate = CertificateAuthority.selfSign(ca, clock, random);
    KeyPair artifact = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    Map<String, String> files = new LinkedHashMap<>();
    files.put(CA_KEY, Pem.write(Pem.PRIVATE_KEY, ca.getPrivate().getEncoded()));
    files.put(CA_CERTIFICATE, Pem.write(Pem.CERTIFICATE, certificate.getEncoded()));
    files.put(ARTIFACT_KEY, Pem.write(Pem.PRIVATE_KEY, artifact.getPrivate().getEncoded()));
    files.put(ARTIFACT_PUBLIC_KEY, Pem.write(Pem.PUBLIC_KEY, artifact.getPublic().getEncoded()));
    return files;
  }

  private static KeyPair ecKeys(SecureRandom random) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"), random);
    return generator.generateKeyPair();
  }
}
