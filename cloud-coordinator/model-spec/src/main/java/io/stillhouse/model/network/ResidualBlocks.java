package io.stillhouse.model.network;

import static io.stillhouse.model.graph.Layer.Activation.Function.RELU;

import io.stillhouse.model.graph.Layer;

/** Rows of residual and densely connected networks. */
final class ResidualBlocks {
  private ResidualBlocks() {}

  /** What an identity path does where the shape changes (He et al. 2015, section 3.3). */
  enum Shortcut {
    /** Option A: every second pixel, and channels of zeros on both sides; no parameters. */
    PADDED,
    /** Option B: a 1x1 convolution with batch normalisation. */
    PROJECTION
  }

  private static String shortcut(Block.Site site, Shortcut kind, int out, int stride) {
    GraphBuilder graph = site.graph();
    int in = site.in();
    if (in == out && stride == 1) {
      return site.from();
    }
    if (kind == Shortcut.PROJECTION) {
      return graph.convNorm(
          site.name(".shortcut"), site.from(), Layer.Conv.of(in, out, 1, stride, 1));
    }
    String thin =
        stride == 1
            ? site.from()
            : graph.add(
                site.name(".shortcut.thin"), new Layer.MaxPool(1, stride, 0, false), site.from());
    int before = (out - in) / 2;
    return out == in
        ? thin
        : graph.add(
            site.name(".shortcut.pad"), new Layer.ChannelPad(before, out - in - before), thin);
  }

  /** Two 3x3 convolutions around an identity path. */
  record Residual(int out, int stride, Shortcut kind) implements Block {
    @Override
    public Block unstrided() {
      return new Residual(out, 1, kind);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int made = site.scaled(out);
      String main =
          graph.convNormAct(
              site.name(".first"), site.from(), Layer.Conv.of(site.in(), made, 3, stride, 1), RELU);
      main = graph.convNorm(site.name(".second"), main, Layer.Conv.of(made, made, 3, 1, 1));
      String shortcut = shortcut(site, kind, made, stride);
      String sum = graph.add(site.name(".add"), new Layer.Add(), main, shortcut);
      return graph.activation(site.prefix(), sum, RELU);
    }
  }

  /** 1x1 down, 3x3 with the stride, 1x1 up to four times the channels. */
  record Bottleneck(int mid, int stride) implements Block {
    @Override
    public Block unstrided() {
      return new Bottleneck(mid, 1);
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int inner = site.scaled(mid);
      int out = 4 * inner;
      String main =
          graph.convNormAct(
              site.name(".down"), site.from(), Layer.Conv.of(site.in(), inner, 1, 1, 1), RELU);
      main =
          graph.convNormAct(
              site.name(".mid"), main, Layer.Conv.of(inner, inner, 3, stride, 1), RELU);
      main = graph.pointwise(site.name(".up"), main, out);
      String shortcut = shortcut(site, Shortcut.PROJECTION, out, stride);
      String sum = graph.add(site.name(".add"), new Layer.Add(), main, shortcut);
      return graph.activation(site.prefix(), sum, RELU);
    }
  }

  /**
   * One layer of a dense block (Huang et al. 2017): normalisation, ReLU and 1x1 to four times the
   * growth, the same with 3x3 to the growth, and the result behind all that came before it.
   */
  record Dense(int growth) implements Block {
    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      int grown = site.scaled(growth);
      String main = graph.norm(site.name(".in"), site.from());
      main = graph.activation(site.name(".in"), main, RELU);
      main =
          graph.convNormAct(
              site.name(".squeeze"), main, Layer.Conv.of(site.in(), 4 * grown, 1, 1, 1), RELU);
      main = graph.add(site.name(".grow.conv"), Layer.Conv.of(4 * grown, grown, 3, 1, 1), main);
      return graph.add(site.name(".concat"), new Layer.Concat(), site.from(), main);
    }
  }

  /** Between dense blocks: half the channels, half of each side. */
  record Transition() implements Block {
    @Override
    public int stride() {
      return 2;
    }

    @Override
    public String append(Site site) {
      GraphBuilder graph = site.graph();
      String main = graph.norm(site.prefix(), site.from());
      main = graph.activation(site.prefix(), main, RELU);
      int half = Math.max(1, site.in() / 2);
      main = graph.add(site.name(".conv"), Layer.Conv.of(site.in(), half, 1, 1, 1), main);
      return graph.add(site.name(".pool"), new Layer.AveragePool(2, 2, 0), main);
    }
  }

  /** Normalisation and ReLU behind the last dense block. */
  record NormAct() implements Block {
    @Override
    public String append(Site site) {
      String main = site.graph().norm(site.prefix(), site.from());
      return site.graph().activation(site.prefix(), main, RELU);
    }
  }
}
