package io.stillhouse.agent.link;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.agent.artifact.Disk;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * Keeps the identity in one file that only this user may read. It is replaced whole, so that a cut
 * in the middle of an enrolment leaves the old identity or none, never a key without its
 * certificate.
 */
public final class IdentityStore {
  private static final int FILE_BYTES_MAX = 64 << 10;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Disk disk;
  private final Path directory;
  private final Path file;

  /**
   * @param directory made when an identity is saved
   */
  public IdentityStore(Disk disk, Path directory) {
    this.disk = disk;
    this.directory = directory;
    this.file = directory.resolve("identity.json");
  }

  /** Whether this device was enrolled, readable or not. */
  public boolean exists() {
    return disk.exists(file);
  }

  /**
   * The identity, if this device was enrolled.
   *
   * @throws IOException when there is one that cannot be read
   */
  public Optional<Identity> load() throws IOException {
    if (!exists()) {
      return Optional.empty();
    }
    try {
      return Optional.of(read(JSON.readTree(disk.read(file, FILE_BYTES_MAX))));
    } catch (JsonProcessingException e) {
      throw damaged(e.getOriginalMessage(), e);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw damaged(String.valueOf(e.getMessage()), e);
    }
  }

  private IOException damaged(String how, Exception cause) {
    return new IOException(
        "%s is damaged: %s; enrol this device again, with --replace".formatted(file, how), cause);
  }

  public void save(Identity identity) throws IOException {
    disk.createDirectory(directory);
    disk.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(write(identity)));
  }

  private static ObjectNode write(Identity identity) throws IOException {
    ObjectNode fields = JSON.createObjectNode();
    fields.put("coordinator", identity.place().coordinator().toString());
    fields.put("deviceId", identity.deviceId());
    fields.put("hardwareClass", identity.place().hardwareClass());
    try {
      fields.put("certificate", text(identity.certificate().getEncoded()));
      fields.put("authority", text(identity.authority().getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IOException("a certificate has no encoded form", e);
    }
    fields.put("key", text(identity.key().getEncoded()));
    identity
        .artifactKeys()
        .forEach(key -> fields.withArray("artifactKeys").add(text(key.getEncoded())));
    return fields;
  }

  private static Identity read(JsonNode fields) throws GeneralSecurityException {
    List<PublicKey> artifactKeys = new ArrayList<>();
    for (JsonNode key : fields.path("artifactKeys")) {
      artifactKeys.add(artifactKey(bytes(key)));
    }
    return new Identity(
        new Identity.Place(
            Address.parse(fields.path("coordinator").asText()),
            fields.path("deviceId").asText(),
            fields.path("hardwareClass").asText()),
        privateKey(bytes(fields.path("key"))),
        certificate(bytes(fields.path("certificate"))),
        certificate(bytes(fields.path("authority"))),
        artifactKeys);
  }

  static X509Certificate certificate(byte[] der) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
  }

  static PublicKey artifactKey(byte[] der) throws GeneralSecurityException {
    return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der));
  }

  private static PrivateKey privateKey(byte[] der) throws GeneralSecurityException {
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
  }

  private static String text(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static byte[] bytes(JsonNode node) {
    return Base64.getDecoder().decode(node.asText());
  }
}
