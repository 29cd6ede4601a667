package io.stillhouse.agent.link;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This device's identity through its renewals. A coordinator that welcomes the device in the last
 * third of its certificate's life says the next one, for the same key and name (compare RFC 7030,
 * section 4.2.2). It counts once it is on the disk, and serves from the next session on; a device
 * that could not keep it is told again. Thread-safe.
 */
public final class IdentityKeeper {
  private static final Logger log = LoggerFactory.getLogger(IdentityKeeper.class);

  /** Far above a certificate of an elliptic curve. */
  private static final int CERTIFICATE_BYTES_MAX = 16 << 10;

  private final IdentityStore store;
  private Identity identity; // guarded by this

  /**
   * Begins with what enrolment, or an earlier renewal, left behind.
   *
   * @param store where renewals go
   */
  public IdentityKeeper(IdentityStore store, Identity identity) {
    this.store = store;
    this.identity = identity;
  }

  public synchronized Identity identity() {
    return identity;
  }

  /** Takes a certificate if it is a renewal of ours; blocks on the disk. */
  synchronized void offered(byte[] der) {
    X509Certificate next;
    try {
      next = certificate(der);
    } catch (GeneralSecurityException e) {
      log.warn("an offered certificate is ignored: {}", e.getMessage());
      return;
    }
    Identity renewed =
        new Identity(
            identity.place(), identity.key(), next, identity.authority(), identity.artifactKeys());
    try {
      store.save(renewed);
    } catch (IOException e) {
      log.warn("the renewed certificate cannot be kept, and is not used: {}", e.getMessage());
      return;
    }
    identity = renewed;
    log.info("this device's certificate is renewed until {}", next.getNotAfter().toInstant());
  }

  private X509Certificate certificate(byte[] der) throws GeneralSecurityException {
    if (der.length > CERTIFICATE_BYTES_MAX) {
      throw new GeneralSecurityException("it has " + der.length + " bytes");
    }
    X509Certificate next = IdentityStore.certificate(der);
    Optional<String> objection = objection(identity.certificate(), next);
    if (objection.isPresent()) {
      throw new GeneralSecurityException(objection.get());
    }
    next.verify(identity.authority().getPublicKey());
    return next;
  }

  /** Why one certificate does not renew another; empty when it does. */
  private static Optional<String> objection(X509Certificate held, X509Certificate next) {
    if (!next.getPublicKey().equals(held.getPublicKey())) {
      return Optional.of("it is of another key");
    }
    if (!next.getSubjectX500Principal().equals(held.getSubjectX500Principal())) {
      return Optional.of("it is of another device");
    }
    return next.getNotAfter().toInstant().isAfter(held.getNotAfter().toInstant())
        ? Optional.empty()
        : Optional.of("it lasts no longer than the one that is held");
  }
}
