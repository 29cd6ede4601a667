package io.stillhouse.model.network;

import java.util.Locale;

/** Which form of a family is built: the published one, or the one for small images. */
public enum Stem {
  /** The small form when the shorter side has 64 pixels or fewer. */
  AUTO,
  /** The published form, which shrinks each side by 32 before it classifies. */
  IMAGENET,
  /** The form without the first two halvings, so that a small image keeps a map to look at. */
  SMALL;

  /** Parses the lower-case name. */
  public static Stem parse(String text) {
    for (Stem stem : values()) {
      if (stem.toString().equals(text)) {
        return stem;
      }
    }
    throw new IllegalArgumentException(
        "stem: %s (expected: auto, imagenet or small)".formatted(text));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
