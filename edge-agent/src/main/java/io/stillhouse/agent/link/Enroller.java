package io.stillhouse.agent.link;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.proto.device.v1.DeviceServiceGrpc;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.EnrollResponse;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * Trades a token for an identity. The token's second half names the coordinator's authority, so its
 * first half, the secret, is sent to nobody else.
 */
public final class Enroller {
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{16,128}\\.([0-9a-f]{64})");
  private static final int SECONDS_MAX = 20;

  private final SecureRandom random;

  public Enroller(SecureRandom random) {
    this.random = random;
  }

  /**
   * Enrols this device.
   *
   * @param name a wish; the coordinator makes it unique
   * @throws LinkException with what to do about it
   */
  public Identity enrol(Address coordinator, String token, String name, DeviceProfile profile)
      throws LinkException {
    String what = "cannot enrol at " + coordinator;
    Matcher parts = TOKEN.matcher(token);
    if (!parts.matches()) {
      throw new LinkException(
          what, "the token is malformed", "Copy it whole, as 'stillhouse device token' printed it");
    }
    try {
      KeyPair keys = keys();
      ManagedChannel channel = Channels.forEnrolment(coordinator, parts.group(1));
      try {
        EnrollResponse response =
            DeviceServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(SECONDS_MAX, TimeUnit.SECONDS)
                .enroll(
                    EnrollRequest.newBuilder()
                        .setToken(token)
                        .setCsrDer(ByteString.copyFrom(signingRequest(keys)))
                        .setDeviceName(name)
                        .setProfile(LinkMapper.profile(profile))
                        .build());
        return identity(coordinator, keys, response, parts.group(1));
      } finally {
        channel.shutdownNow();
      }
    } catch (StatusRuntimeException e) {
      throw refused(what, e);
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new LinkException(what, String.valueOf(e.getMessage()), "Ask for a new token", e);
    }
  }

  private static LinkException refused(String what, StatusRuntimeException e) {
    Status.Code code = e.getStatus().getCode();
    boolean unreached = code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED;
    return new LinkException(
        what,
        LinkMapper.reason(e),
        unreached
            ? "Check the address and that the coordinator runs"
            : "Ask the operator for a new token ('stillhouse device token')",
        e);
  }

  private static Identity identity(
      Address coordinator, KeyPair keys, EnrollResponse response, String authoritySha256Hex)
      throws GeneralSecurityException {
    X509Certificate authority =
        IdentityStore.certificate(response.getCaCertificateDer().toByteArray());
    if (!PinnedAuthority.sha256(authority).equals(authoritySha256Hex)) {
      throw new GeneralSecurityException(
          "the answer names authority %.12s (expected: %.12s, as the token says)"
              .formatted(PinnedAuthority.sha256(authority), authoritySha256Hex));
    }
    return new Identity(
        new Identity.Place(coordinator, response.getDeviceId(), response.getHardwareClass()),
        keys.getPrivate(),
        IdentityStore.certificate(response.getCertificateDer().toByteArray()),
        authority,
        List.of(IdentityStore.artifactKey(response.getArtifactPublicKeyDer().toByteArray())));
  }

  private KeyPair keys() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"), random);
    return generator.generateKeyPair();
  }

  private static byte[] signingRequest(KeyPair keys) throws OperatorCreationException, IOException {
    return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=device"), keys.getPublic())
        .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
        .getEncoded();
  }
}
