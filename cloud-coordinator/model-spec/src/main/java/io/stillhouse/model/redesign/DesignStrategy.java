package io.stillhouse.model.redesign;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * One lever of lightweight design. A strategy is written {@code name} or {@code name:number}, e.g.
 * {@code separable} or {@code squeeze:4}.
 *
 * @param kind what is done
 * @param number its ratio, groups or multiplier; that of the kind where it takes none
 */
public record DesignStrategy(Kind kind, double number) {

  /** What can be done, under the four headings of the survey on light networks. */
  public enum Kind {
    /** Kernel size: k x k becomes (k - 1) / 2 times 3x3, as in VGG. */
    KERNEL_SPLIT("kernel size", "convolutions larger than 3x3", 1),
    /** Kernel size: 3x3 becomes 1x1 where it reads fewer channels than it makes, as in Fire. */
    KERNEL_POINTWISE("kernel size", "3x3 convolutions that read a squeezed map", 1),
    /** Input channels: a 1x1 in front divides them by the number, as in SqueezeNet. */
    SQUEEZE("input channels", "dense convolutions of 3x3 or more", 4),
    /** Input channels: 1x1 down, k x k on the divided channels, 1x1 up, as in ResNet-50. */
    BOTTLENECK("input channels", "dense convolutions of 3x3 or more", 4),
    /** Decomposition: depthwise k x k and 1x1, as in MobileNet. */
    SEPARABLE("decomposed convolution", "dense convolutions of 3x3 or more", 1),
    /** Decomposition: k x 1 and 1 x k, as in Inception. */
    SPATIAL("decomposed convolution", "dense square convolutions of 3x3 or more", 1),
    /** Decomposition: as many groups as the number says and a shuffle, as in ShuffleNet. */
    GROUP("decomposed convolution", "dense convolutions whose channels the groups divide", 4),
    /** Decomposition: half of the channels, the rest as depthwise copies, as in GhostNet. */
    GHOST("decomposed convolution", "dense convolutions with an even number of channels", 1),
    /** Convolution width: every channel number times the number, rounded as the family does. */
    WIDTH("convolution width", "channels", 0.5);

    private final String heading;
    private final String subject;
    private final double usual;

    Kind(String heading, String subject, double usual) {
      this.heading = heading;
      this.subject = subject;
      this.usual = usual;
    }

    /** The strategy of the survey that this belongs to. */
    public String heading() {
      return heading;
    }

    /** What it acts on. */
    public String subject() {
      return subject;
    }

    private boolean takesNumber() {
      return this == SQUEEZE || this == BOTTLENECK || this == GROUP || this == WIDTH;
    }

    private String range() {
      return this == WIDTH ? "0 < number <= 1" : "a whole number from 2 to 64";
    }

    private boolean accepts(double number) {
      return this == WIDTH
          ? number > 0 && number <= 1
          : number >= 2 && number <= 64 && number == Math.rint(number);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  public DesignStrategy {
    if (kind.takesNumber() && !kind.accepts(number)) {
      throw new IllegalArgumentException(
          "strategy %s: %s (expected: %s)".formatted(kind, number, kind.range()));
    }
  }

  /** All names, in the order of {@link Kind}. */
  public static List<String> names() {
    return List.of(Kind.values()).stream().map(Kind::toString).toList();
  }

  /** Parses {@code name} or {@code name:number}. */
  public static DesignStrategy parse(String text) {
    String[] parts = text.split(":", 2);
    for (Kind kind : Kind.values()) {
      if (kind.toString().equals(parts[0])) {
        return parts.length == 1
            ? new DesignStrategy(kind, kind.usual)
            : numbered(kind, parts[1], number -> new DesignStrategy(kind, number));
      }
    }
    throw new IllegalArgumentException(
        "strategy: %s (expected: one of %s)".formatted(text, String.join(", ", names())));
  }

  private static DesignStrategy numbered(
      Kind kind, String number, DoubleFunction<DesignStrategy> made) {
    if (!kind.takesNumber()) {
      throw new IllegalArgumentException(
          "strategy %s:%s (expected: %s without a number)".formatted(kind, number, kind));
    }
    try {
      return made.apply(Double.parseDouble(number));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "strategy %s: %s (expected: %s)".formatted(kind, number, kind.range()), e);
    }
  }

  int whole() {
    return (int) number;
  }

  @Override
  public String toString() {
    if (!kind.takesNumber()) {
      return kind.toString();
    }
    return kind + ":" + (number == Math.rint(number) ? String.valueOf((long) number) : number);
  }
}
