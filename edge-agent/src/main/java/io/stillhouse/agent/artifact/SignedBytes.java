package io.stillhouse.agent.artifact;

/** A manifest's bytes with the signature over exactly them. Immutable. */
public final class SignedBytes {
  /** Far above any real manifest: 32 bytes per 256 KiB chunk, labels, provenance. */
  public static final int MANIFEST_BYTES_MAX = 1 << 20;

  private final byte[] manifest;
  private final byte[] signature;
  private final String keyId;

  public SignedBytes(byte[] manifest, byte[] signature, String keyId) {
    this.manifest = manifest.clone();
    this.signature = signature.clone();
    this.keyId = keyId;
  }

  public byte[] manifest() {
    return manifest.clone();
  }

  public byte[] signature() {
    return signature.clone();
  }

  /** First 16 hex digits of the SHA-256 of the signing key's X.509 form. */
  public String keyId() {
    return keyId;
  }
}
