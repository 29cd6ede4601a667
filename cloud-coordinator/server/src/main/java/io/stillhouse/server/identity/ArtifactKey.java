package io.stillhouse.server.identity;

import io.stillhouse.model.Digest;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;

/** The Ed25519 key that signs artifact manifests. Immutable and thread-safe. */
public final class ArtifactKey {
  private static final int KEY_ID_HEX_DIGITS = 16;

  private final PrivateKey privateKey;
  private final PublicKey publicKey;

  ArtifactKey(PrivateKey privateKey, PublicKey publicKey) {
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }

  /** A 64-byte signature over exactly these bytes. */
  public byte[] sign(byte[] bytes) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(privateKey);
      signature.update(bytes);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the artifact key cannot sign", e);
    }
  }

  /** True when this key signed exactly these bytes. */
  public boolean verifies(byte[] bytes, byte[] signatureBytes) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initVerify(publicKey);
      signature.update(bytes);
      return signature.verify(signatureBytes);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** X.509 SubjectPublicKeyInfo of the public half. */
  public byte[] publicKeyDer() {
    return publicKey.getEncoded();
  }

  /** First 16 hex digits of the SHA-256 of {@link #publicKeyDer()}. */
  public String keyId() {
    return Digest.of(publicKeyDer()).sha256Hex().substring(0, KEY_ID_HEX_DIGITS);
  }
}
