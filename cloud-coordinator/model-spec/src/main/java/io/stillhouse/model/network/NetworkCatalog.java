package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;
import java.util.List;

/**
 * Networks by name. A name, an input shape, a number of classes and a width always give the same
 * graph. Requests that make no network are refused with an {@link IllegalArgumentException} whose
 * message is one line for people.
 */
public final class NetworkCatalog {
  /** Widest multiple that is built: beyond it a mistyped width would ask for gigabytes. */
  public static final double WIDTH_MAX = 8.0;

  /** Longest side of an image and most channels that a network is built for. */
  public static final int SIDE_MAX = 1024;

  /** Most classes that a network is built for. */
  public static final int CLASSES_MAX = 100_000;

  private NetworkCatalog() {}

  /** One network that can be named, with the input and classes it is usually quoted with. */
  public record Entry(String name, String summary, ImageShape input, int classes) {}

  public static List<Entry> entries() {
    return Families.ALL.stream()
        .map(f -> new Entry(f.name(), f.summary(), f.input(), f.classes()))
        .toList();
  }

  public static List<String> names() {
    return Families.ALL.stream().map(Family::name).toList();
  }

  /** What is known of one network; refuses an unknown name and lists the known ones. */
  public static Entry entry(String name) {
    Family family = family(name);
    return new Entry(family.name(), family.summary(), family.input(), family.classes());
  }

  /**
   * Builds a network.
   *
   * @param width multiple of the channel numbers, 1.0 for the published network
   */
  public static NetworkGraph build(String name, ImageShape input, int classes, double width) {
    Family family = family(name);
    if (!(width > 0 && width <= WIDTH_MAX)) {
      throw new IllegalArgumentException(
          "width: %s (expected: 0 < width <= %s)".formatted(width, WIDTH_MAX));
    }
    if (classes < 2 || classes > CLASSES_MAX) {
      throw new IllegalArgumentException(
          "classes: %d (expected: 2 to %d)".formatted(classes, CLASSES_MAX));
    }
    if (Math.max(input.channels(), Math.max(input.height(), input.width())) > SIDE_MAX) {
      throw new IllegalArgumentException(
          "input: %s (expected: channels and sides up to %d)".formatted(input, SIDE_MAX));
    }
    int stride = family.totalStride(input);
    if (Math.min(input.height(), input.width()) < stride) {
      throw new IllegalArgumentException(
          "input: %s is too small for %s, whose strides divide each side by %d (expected: sides >= %d)"
              .formatted(input, name, stride, stride));
    }
    return graph(family, input, classes, width);
  }

  private static NetworkGraph graph(Family family, ImageShape input, int classes, double width) {
    GraphBuilder builder = new GraphBuilder();
    String last = GraphBuilder.INPUT;
    int channels = input.channels();
    for (int r = 0; r < family.rows().size(); r++) {
      Family.Row row = family.rows().get(r);
      for (int i = 0; i < row.repeats(); i++) {
        Block block = i == 0 ? row.block() : row.block().unstrided();
        int stride = block.stride() * (r == 0 && i == 0 ? family.stemStride(input) : 1);
        int out = family.channels(block.out(), width);
        String prefix = r == 0 && row.repeats() == 1 ? "stem" : "stage%d.block%d".formatted(r, i);
        last = append(builder, prefix, last, channels, new Built(block, out, stride));
        channels = out;
      }
    }
    builder.head(last, channels, classes);
    return new NetworkGraph(family.name(), input, classes, builder.nodes());
  }

  /** A block with the channels and the stride that it is built with. */
  private record Built(Block block, int out, int stride) {}

  private static String append(
      GraphBuilder builder, String prefix, String from, int in, Built built) {
    if (built.block() instanceof Block.Plain plain) {
      return builder.convNormAct(
          prefix,
          from,
          Layer.Conv.of(in, built.out(), plain.kernel(), built.stride(), 1),
          plain.function());
    }
    if (built.block() instanceof Block.Residual) {
      return builder.residual(prefix, from, in, built.out(), built.stride());
    }
    if (built.block() instanceof Block.Separable separable) {
      return builder.separable(prefix, from, in, built.out(), built.stride(), separable.function());
    }
    throw new AssertionError("unreachable: " + built.block());
  }

  private static Family family(String name) {
    for (Family family : Families.ALL) {
      if (family.name().equals(name)) {
        return family;
      }
    }
    throw new IllegalArgumentException(
        "network: %s is not known (expected: one of %s)"
            .formatted(name, String.join(", ", names())));
  }
}
