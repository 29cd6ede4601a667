package io.stillhouse.model.redesign;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What each strategy makes of one unit, or nothing where it does not apply. */
final class ConvRewriting {
  private final DesignStrategy strategy;

  ConvRewriting(DesignStrategy strategy) {
    this.strategy = strategy;
  }

  Optional<List<Node>> rewrite(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    boolean large = Math.max(conv.kernelHeight(), conv.kernelWidth()) >= 3;
    boolean dense = conv.groups() == 1 && !unit.readsImage();
    return switch (strategy.kind()) {
      case KERNEL_SPLIT -> square(conv) && conv.kernelHeight() > 3 ? split(unit) : none();
      case KERNEL_POINTWISE -> dense && squeezed(conv) ? pointwise(unit) : none();
      case SQUEEZE -> dense && large ? squeeze(unit) : none();
      case BOTTLENECK -> dense && large ? bottleneck(unit) : none();
      case SEPARABLE -> dense && large && conv.in() > 1 ? separable(unit) : none();
      case SPATIAL -> dense && large && same(conv) ? spatial(unit) : none();
      case GROUP -> dense ? group(unit) : none();
      case GHOST -> dense && conv.out() % 2 == 0 ? ghost(unit) : none();
      case WIDTH -> none();
    };
  }

  private static Optional<List<Node>> none() {
    return Optional.empty();
  }

  private static boolean square(Layer.Conv conv) {
    return conv.kernelHeight() == conv.kernelWidth()
        && conv.kernelHeight() % 2 == 1
        && conv.padHeight() == conv.padWidth()
        && (conv.groups() == 1 || conv.depthwise());
  }

  private static boolean same(Layer.Conv conv) {
    return square(conv) && conv.padHeight() == conv.kernelHeight() / 2;
  }

  private static boolean squeezed(Layer.Conv conv) {
    return same(conv) && conv.kernelHeight() == 3 && 2 * conv.in() <= conv.out();
  }

  /**
   * Pads add up to the original's, and the last convolution has its stride, so that every output
   * sees what it saw.
   */
  private Optional<List<Node>> split(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int parts = (conv.kernelHeight() - 1) / 2;
    int mid = conv.depthwise() ? conv.in() : mid(conv);
    int padLeft = conv.padHeight();
    List<Node> made = new ArrayList<>();
    String last = unit.from();
    int in = conv.in();
    for (int i = 1; i < parts; i++) {
      int pad = Math.min(1, padLeft);
      padLeft -= pad;
      made.addAll(
          unit.further(
              ".split" + i, conv(in, mid, 3, new Grid(1, pad, groups(conv, in)), conv), last));
      last = end(made);
      in = mid;
    }
    if (padLeft > 1) {
      return none(); // more padding than three rows can see
    }
    Grid grid = new Grid(conv.stride(), padLeft, groups(conv, in));
    made.addAll(unit.with(conv(in, conv.out(), 3, grid, conv), last));
    return Optional.of(made);
  }

  /** As many channels between the parts as the outer ones allow at a lower cost. */
  private static int mid(Layer.Conv conv) {
    int area = conv.kernelHeight() * conv.kernelWidth();
    int wide = Math.max(conv.in(), conv.out());
    boolean cheaper = 9L * wide * (conv.in() + conv.out()) < (long) area * conv.in() * conv.out();
    return cheaper ? wide : Math.min(conv.in(), conv.out());
  }

  private Optional<List<Node>> pointwise(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    Grid grid = new Grid(conv.stride(), 0, 1);
    return Optional.of(unit.with(conv(conv.in(), conv.out(), 1, grid, conv), unit.from()));
  }

  private Optional<List<Node>> squeeze(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int narrow = Math.max(1, conv.in() / strategy.whole());
    List<Node> made =
        unit.further(".squeeze", conv(conv.in(), narrow, 1, Grid.POINT, conv), unit.from());
    made.addAll(unit.with(conv.withChannels(narrow, conv.out(), 1), end(made)));
    return Optional.of(made);
  }

  private Optional<List<Node>> bottleneck(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int narrow = Math.max(1, conv.out() / strategy.whole());
    List<Node> made =
        unit.further(".down", conv(conv.in(), narrow, 1, Grid.POINT, conv), unit.from());
    made.addAll(unit.further(".mid", conv.withChannels(narrow, narrow, 1), end(made)));
    made.addAll(unit.with(conv(narrow, conv.out(), 1, Grid.POINT, conv), end(made)));
    return Optional.of(made);
  }

  private Optional<List<Node>> separable(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    Layer.Conv depthwise = conv.withChannels(conv.in(), conv.in(), conv.in());
    List<Node> made = unit.further(".dw", depthwise, unit.from());
    made.addAll(unit.with(conv(conv.in(), conv.out(), 1, Grid.POINT, conv), end(made)));
    return Optional.of(made);
  }

  private Optional<List<Node>> spatial(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int kernel = conv.kernelHeight();
    int mid = Math.min(conv.in(), conv.out());
    Layer.Conv tall =
        new Layer.Conv(
            conv.in(), mid, kernel, 1, conv.stride(), conv.padHeight(), 0, 1, conv.bias());
    Layer.Conv wide =
        new Layer.Conv(mid, conv.out(), 1, kernel, 1, 0, conv.padWidth(), 1, conv.bias());
    List<Node> made = unit.further(".tall", tall, unit.from());
    made.addAll(unit.with(wide, end(made)));
    return Optional.of(made);
  }

  private Optional<List<Node>> group(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int groups = strategy.whole();
    if (conv.in() % groups != 0 || conv.out() % groups != 0) {
      return none();
    }
    Layer.Conv grouped = conv.withChannels(conv.in(), conv.out(), groups);
    List<Node> made = unit.alike(".grouped", grouped, unit.from());
    made.add(new Node(unit.end().name(), new Layer.ChannelShuffle(groups), List.of(end(made))));
    return Optional.of(made);
  }

  private Optional<List<Node>> ghost(ConvUnit unit) {
    Layer.Conv conv = unit.conv();
    int half = conv.out() / 2;
    if (half < 2) {
      return none();
    }
    List<Node> made = unit.alike(".real", conv.withChannels(conv.in(), half, 1), unit.from());
    String real = end(made);
    made.addAll(unit.alike(".ghost", conv(half, half, 3, new Grid(1, 1, half), conv), real));
    made.add(new Node(unit.end().name(), new Layer.Concat(), List.of(real, end(made))));
    return Optional.of(made);
  }

  /** How a square convolution lies on its map. */
  private record Grid(int stride, int pad, int groups) {
    static final Grid POINT = new Grid(1, 0, 1);
  }

  private static Layer.Conv conv(int in, int out, int kernel, Grid grid, Layer.Conv model) {
    return new Layer.Conv(
        in,
        out,
        kernel,
        kernel,
        grid.stride(),
        grid.pad(),
        grid.pad(),
        grid.groups(),
        model.bias());
  }

  private static int groups(Layer.Conv conv, int channels) {
    return conv.depthwise() ? channels : 1;
  }

  private static String end(List<Node> made) {
    return made.get(made.size() - 1).name();
  }
}
