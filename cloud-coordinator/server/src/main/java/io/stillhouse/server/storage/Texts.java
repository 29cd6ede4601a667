package io.stillhouse.server.storage;

/** Text from outside, cut to what a column holds. */
public final class Texts {
  private Texts() {}

  /** At most {@code max} characters, control characters replaced by spaces. */
  public static String clip(String text, int max) {
    String clean = text.replaceAll("\\p{Cntrl}", " ");
    if (clean.length() <= max) {
      return clean;
    }
    // Not between the halves of a surrogate pair: PostgreSQL refuses a lone one.
    int end = Character.isHighSurrogate(clean.charAt(max - 1)) ? max - 1 : max;
    return clean.substring(0, end);
  }
}
