package io.stillhouse.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of an artifact's canonical bytes; the only name by which a model travels. */
public record Digest(String sha256Hex) implements Comparable<Digest> {
  public Digest {
    if (!sha256Hex.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "sha256Hex: " + sha256Hex + " (expected: 64 lower-case hex digits)");
    }
  }

  public static Digest of(byte[] bytes) {
    return new Digest(HexFormat.of().formatHex(sha256().digest(bytes)));
  }

  public static Digest ofFile(Path file) throws java.io.IOException {
    MessageDigest sha = sha256();
    try (var in = Files.newInputStream(file)) {
      byte[] buffer = new byte[64 << 10];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sha.update(buffer, 0, n);
      }
    }
    return new Digest(HexFormat.of().formatHex(sha.digest()));
  }

  /** The first twelve digits, for people. */
  public String shortForm() {
    return sha256Hex.substring(0, 12);
  }

  @Override
  public int compareTo(Digest other) {
    return sha256Hex.compareTo(other.sha256Hex);
  }

  @Override
  public String toString() {
    return sha256Hex;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
