package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
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
    return Families.ALL.stream().map(NetworkCatalog::entry).toList();
  }

  public static List<String> names() {
    return Families.ALL.stream().map(Family::name).toList();
  }

  /** What is known of one network; refuses an unknown name and lists the known ones. */
  public static Entry entry(String name) {
    return entry(family(name));
  }

  private static Entry entry(Family family) {
    return new Entry(
        family.name(), family.summary(), family.quoted().input(), family.quoted().classes());
  }

  /** Builds a network in the form that fits the image. */
  public static NetworkGraph build(String name, ImageShape input, int classes, double width) {
    return build(name, input, classes, width, Stem.AUTO);
  }

  /**
   * Builds a network.
   *
   * @param width multiple of the channel numbers, 1.0 for the published network
   * @param stem the form; a family that has only one accepts {@link Stem#AUTO} alone
   */
  public static NetworkGraph build(
      String name, ImageShape input, int classes, double width, Stem stem) {
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
    if (stem != Stem.AUTO && family.forms().single()) {
      throw new IllegalArgumentException(
          "stem: %s (expected: auto; %s has one form for all images)".formatted(stem, name));
    }
    List<Forms.Row> rows = family.forms().rows(input, stem);
    requireRoom(family, input, Forms.totalStride(rows));
    return graph(family, rows, new GraphBuilder(name, input, classes), width);
  }

  private static void requireRoom(Family family, ImageShape input, int stride) {
    int shorter = Math.min(input.height(), input.width());
    int longer = Math.max(input.height(), input.width());
    boolean window = family.quoted().windows() && shorter == 1;
    if ((window ? longer : shorter) < stride) {
      throw new IllegalArgumentException(
          "input: %s is too small for %s, whose strides divide each side by %d (expected: sides >= %d)"
              .formatted(input, family.name(), stride, stride));
    }
  }

  private static NetworkGraph graph(
      Family family, List<Forms.Row> rows, GraphBuilder graph, double width) {
    Scale scale = new Scale(family.rounding(), width);
    String last = GraphBuilder.INPUT;
    for (int r = 0; r < rows.size(); r++) {
      Forms.Row row = rows.get(r);
      for (int i = 0; i < row.repeats(); i++) {
        Block block = i == 0 ? row.block() : row.block().unstrided();
        String prefix = r == 0 && row.repeats() == 1 ? "stem" : "stage%d.block%d".formatted(r, i);
        last = block.append(new Block.Site(graph, prefix, last, scale));
      }
    }
    return graph.build();
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
