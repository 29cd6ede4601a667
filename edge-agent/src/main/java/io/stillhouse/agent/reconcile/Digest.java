package io.stillhouse.agent.reconcile;

import java.util.regex.Pattern;

/** SHA-256 of an artifact's manifest bytes; the only name by which a model travels. */
public record Digest(String sha256Hex) {
  private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");
  private static final int SHORT_HEX_DIGITS = 12;

  public Digest {
    if (!isDigest(sha256Hex)) {
      throw new IllegalArgumentException(
          "sha256Hex: "
              + sha256Hex.substring(0, Math.min(80, sha256Hex.length()))
              + " (expected: 64 lower-case hex digits)");
    }
  }

  /** Whether a text has the form of a digest; what came over a wire is asked before it is built. */
  public static boolean isDigest(String text) {
    return FORM.matcher(text).matches();
  }

  /** Enough of it for people to tell two apart. */
  public String shortForm() {
    return sha256Hex.substring(0, SHORT_HEX_DIGITS);
  }

  @Override
  public String toString() {
    return sha256Hex;
  }
}
