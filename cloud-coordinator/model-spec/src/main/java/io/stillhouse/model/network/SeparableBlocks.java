package io.stillhouse.model.network;

import static io.stillhouse.model.graph.Layer.Activation.Function.RELU;

import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.Layer.Activation.Function;

/** Rows of networks that convolve depthwise. */
final class SeparableBlocks {
  private SeparableBlocks() {}

  /**
   * Depthwise 3x3 then pointwise 1x1, each with batch normalisation and activation (Howard et al.
   * 2017).
   */
  record Separable(int out, int stride, Function function, boolean bias) implements Block {
    static Separable of(int out, int stride, Function function) {
      return new Separable(out, stride, function, false);
    }

    @Override
    public Block unstrided() {
      return new Separable(out, 1, function, bias);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int in = site.in();
      Layer.Conv depthwise = new Layer.Conv(in, in, 3, 3, stride, 1, 1, in, bias);
      Layer.Conv pointwise = new Layer.Conv(in, site.scaled(out), 1, 1, 1, 0, 0, 1, bias);
      String main = graph.convNormAct(site.name(".dw"), site.from(), depthwise, function);
      return graph.convNormAct(site.name(".pw"), main, pointwise, function);
    }
  }

  /**
   * Inverted residual (Sandler et al. 2018): pointwise up, depthwise, perhaps squeeze-excite,
   * pointwise down without activation; an identity path where the shape stays.
   */
  record Inverted(int kernel, Expansion expansion, int out, int stride, Style style)
      implements Block {
    @Override
    public Block unstrided() {
      return new Inverted(kernel, expansion, out, 1, style);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int made = site.scaled(out);
      int wide = expansion.channels(site);
      String main = site.from();
      if (wide != site.in()) {
        main = graph.pointwise(site.name(".up"), main, wide);
        main = graph.activation(site.name(".up"), main, style.function);
      }
      main = graph.depthwise(site.name(".dw"), main, kernel, stride);
      main = graph.activation(site.name(".dw"), main, style.function);
      main = style.squeeze.append(site, main);
      main = graph.pointwise(site.name(".down"), main, made);
      return stride == 1 && made == site.in()
          ? graph.add(site.name(".add"), new Layer.Add(), main, site.from())
          : main;
    }
  }

  /** Channels inside an inverted residual: a multiple of its input, or a number at width 1. */
  record Expansion(int times, int atWidthOne) {
    static Expansion times(int times) {
      return new Expansion(times, 0);
    }

    static Expansion to(int atWidthOne) {
      return new Expansion(0, atWidthOne);
    }

    int channels(Block.Site site) {
      return times > 0 ? times * site.in() : site.scaled(atWidthOne);
    }
  }

  /** Non-linearity and squeeze-excite of an inverted residual. */
  record Style(Function function, Squeeze squeeze) {}

  /**
   * Squeeze-excite (Hu et al. 2018): each paper's reference code sizes and gates it differently.
   */
  enum Squeeze {
    NONE,
    /** A quarter of the expanded channels in multiples of 8, hard sigmoid. */
    MOBILE,
    /** A quarter of the expanded channels in multiples of 4, hard sigmoid. */
    GHOST,
    /** A quarter of the block's input channels, SiLU inside, sigmoid. */
    EFFICIENT;

    /** Appends the gate, if any, to {@code from}; channels are those of the site's input. */
    String append(Block.Site site, String from) {
      if (this == NONE) {
        return from;
      }
      GraphBuilder graph = site.graph();
      int wide = graph.channels(from);
      int narrow =
          switch (this) {
            case MOBILE -> Scale.nearest(Math.floorDiv(wide, 4), 8);
            case GHOST -> Scale.nearest(wide / 4.0, 4);
            default -> Math.max(1, site.in() / 4);
          };
      boolean efficient = this == EFFICIENT;
      String gate = graph.add(site.name(".se.pool"), new Layer.GlobalAveragePool(), from);
      gate = graph.biasedPointwise(site.name(".se.squeeze"), gate, narrow);
      gate = graph.activation(site.name(".se.squeeze"), gate, efficient ? Function.SILU : RELU);
      gate = graph.biasedPointwise(site.name(".se.excite"), gate, wide);
      gate =
          graph.activation(
              site.name(".se.excite"), gate, efficient ? Function.SIGMOID : Function.HARD_SIGMOID);
      return graph.add(site.name(".se.mul"), new Layer.Mul(), from, gate);
    }
  }

  /**
   * Xception's block (Chollet 2017): ReLU, 3x3 separable convolution and normalisation, several
   * times, then pooling, beside a projection or an identity. Nothing stands between the two
   * convolutions of a separable one.
   *
   * @param firstOut channels of the first separable convolution
   * @param entered whether the block starts with ReLU
   */
  record Xception(int firstOut, int out, int separables, int stride, boolean entered)
      implements Block {
    @Override
    public Block unstrided() {
      return new Xception(firstOut, out, separables, 1, entered);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int made = site.scaled(out);
      String main = site.from();
      for (int i = 0; i < separables; i++) {
        String part = site.name(".sep" + i);
        if (i > 0 || entered) {
          main = graph.activation(part + ".in", main, RELU);
        }
        main = separable(graph, part, main, i == 0 ? site.scaled(firstOut) : made);
      }
      String shortcut = site.from();
      if (stride > 1) {
        main = graph.add(site.name(".pool"), new Layer.MaxPool(3, stride, 1, false), main);
      }
      if (stride > 1 || made != site.in()) {
        shortcut =
            graph.convNorm(
                site.name(".shortcut"), shortcut, Layer.Conv.of(site.in(), made, 1, stride, 1));
      }
      return graph.add(site.name(".add"), new Layer.Add(), main, shortcut);
    }
  }

  /** Xception's separable convolution with ReLU behind it. */
  record XceptionSeparable(int out) implements Block {
    @Override
    public String append(Site site) {
      String main = separable(site.graph(), site.prefix(), site.from(), site.scaled(out));
      return site.graph().activation(site.prefix(), main, RELU);
    }
  }

  private static String separable(GraphBuilder graph, String prefix, String from, int out) {
    int in = graph.channels(from);
    String main = graph.add(prefix + ".dw.conv", Layer.Conv.of(in, in, 3, 1, in), from);
    return graph.pointwise(prefix + ".pw", main, out);
  }
}
