package io.stillhouse.server.device;

import io.stillhouse.fleet.device.Device;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.EnrollResponse;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.Pki;
import io.stillhouse.server.service.DeviceDirectory.TokenRequest;
import io.stillhouse.server.service.DeviceDirectory.TokenView;
import io.stillhouse.server.storage.DeviceTable;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/**
 * Trades one-time tokens for device certificates. A token is {@code base64url(secret) "."
 * hex(SHA-256 of the authority's certificate)}: the second half lets a device recognise its
 * coordinator before it sends the first. Only the secret's hash is kept. Thread-safe; calls block.
 */
public final class Enrolment {
  private static final int SECRET_BYTES = 24;
  private static final int TOKEN_CHARS_MAX = 200;
  private static final int NAME_CHARS_MAX = 128;
  private static final Duration TOKEN_LIFE = Duration.ofHours(24);

  private final DeviceTable devices;
  private final Pki pki;
  private final InstantSource clock;
  private final SecureRandom random;

  public Enrolment(DeviceTable devices, Pki pki, InstantSource clock, SecureRandom random) {
    this.devices = devices;
    this.pki = pki;
    this.clock = clock;
    this.random = random;
  }

  /** Makes a token; this is the only time that it is seen whole. */
  public TokenView issue(TokenRequest request) {
    Map<String, String> labels = Labels.checked(request.labels().orElse(Map.of()));
    Optional<String> name = request.name().map(Enrolment::checkedName);
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    Instant expiresAt = clock.instant().plus(TOKEN_LIFE);
    devices.addToken(new DeviceTable.Token(Digest.of(secret).sha256Hex(), name, labels, expiresAt));
    return new TokenView(
        Base64.getUrlEncoder().withoutPadding().encodeToString(secret)
            + "."
            + pki.caDigest().sha256Hex(),
        expiresAt.toString());
  }

  EnrollResponse enrol(EnrollRequest request) {
    try {
      PublicKey key = pki.authority().provenKey(request.getCsrDer().toByteArray());
      Device device =
          devices.enrol(
              secretHash(request.getToken()),
              new DeviceTable.Applicant(
                  Digest.of(key.getEncoded()).sha256Hex(),
                  checkedName(request.getDeviceName()),
                  DeviceMapper.profile(request.getProfile())));
      return EnrollResponse.newBuilder()
          .setDeviceId(device.id().value())
          .setCertificateDer(
              DeviceMapper.bytes(pki.authority().signDevice(key, device.id().value()).getEncoded()))
          .setCaCertificateDer(DeviceMapper.bytes(pki.authority().certificate().getEncoded()))
          .setArtifactPublicKeyDer(DeviceMapper.bytes(pki.artifactKey().publicKeyDer()))
          .setHardwareClass(device.hardwareClass().name())
          .build();
    } catch (GeneralSecurityException e) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot enrol",
          String.valueOf(e.getMessage()),
          "send a PKCS#10 request of an EC P-256 key, signed with it",
          e);
    }
  }

  private static String secretHash(String token) {
    int dot = token.indexOf('.');
    try {
      if (token.length() > TOKEN_CHARS_MAX || dot < 0) {
        throw new IllegalArgumentException("length");
      }
      return Digest.of(Base64.getUrlDecoder().decode(token.substring(0, dot))).sha256Hex();
    } catch (IllegalArgumentException e) {
      throw new CoordinatorException(
          ErrorCategory.UNAUTHENTICATED,
          "cannot enrol",
          "the token is malformed",
          "copy it whole, as 'stillhouse device token' printed it",
          e);
    }
  }

  private static String checkedName(String name) {
    if (name.length() > NAME_CHARS_MAX) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot name a device",
          "the name has "
              + name.length()
              + " characters (expected: at most "
              + NAME_CHARS_MAX
              + ")",
          "choose a shorter name");
    }
    return name;
  }
}
