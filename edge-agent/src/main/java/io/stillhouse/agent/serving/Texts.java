package io.stillhouse.agent.serving;

/** A client's words, made fit to be repeated in a message. */
final class Texts {
  private static final int SHOWN_MAX = 64;

  private Texts() {}

  /** Printable and short, whatever was sent. */
  static String shown(String text) {
    String cut = text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "..." : text;
    return cut.replaceAll("[^\\x20-\\x7e]", "?");
  }
}
