package io.stillhouse.agent.link;

import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * Who this device is and whom it believes: what enrolment left behind.
 *
 * @param key private half of the certificate's key; it never leaves the device
 * @param authority the only root that a coordinator's certificate may end in
 * @param artifactKeys Ed25519 keys whose manifests are genuine
 */
public record Identity(
    Place place,
    PrivateKey key,
    X509Certificate certificate,
    X509Certificate authority,
    List<PublicKey> artifactKeys) {
  public Identity {
    artifactKeys = List.copyOf(artifactKeys);
  }

  /**
   * Where the device belongs.
   *
   * @param hardwareClass as the coordinator derived it at enrolment; a session may say another one
   */
  public record Place(Address coordinator, String deviceId, String hardwareClass) {}

  public String deviceId() {
    return place.deviceId();
  }
}
